// One process, several threads, each with a Runtime of its own on one home: an embedder's pool of
// workers. What the library shares between threads (the host's identity, the environment, spawning)
// is shared safely; this runs under ThreadSanitizer too.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "boxlite/runtime/runtime.h"
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 3;

// Gives back the first error, in words; empty: all went well.
std::string UseABox(Runtime& runtime, int thread, int round) {
  CreateOptions options;
  options.image = "boxlite/test";
  options.name = "t" + std::to_string(thread) + "-" + std::to_string(round);
  options.command = {"sleep-forever"};
  Result<BoxId> id = runtime.Create(options);
  if (!id.ok()) return id.error().message();
  if (Status started = runtime.Start(*id, Attachment::kDetached); !started.ok()) {
    return started.error().message();
  }
  ExecOptions exec;
  exec.argv = {"exit", "7"};
  Result<ProgramEnd> end = runtime.Exec(*id, exec);
  if (!end.ok()) return end.error().message();
  if (end->exit.ShellCode() != 7) return "exec gave " + std::to_string(end->exit.ShellCode());
  Result<std::vector<BoxInfo>> all = runtime.List();
  if (!all.ok()) return all.error().message();
  bool running = false;
  for (const BoxInfo& box : *all) {
    running = running || (box.id == *id && box.derived.state == BoxState::kRunning);
  }
  if (!running) return "a live box was not listed as running";
  Result<EndReport> stopped = runtime.Stop(*id, milliseconds(0));
  if (!stopped.ok()) return stopped.error().message();
  Status removed = runtime.Remove(*id, Runtime::Force::kNo);
  return removed.ok() ? "" : removed.error().message();
}

TEST(Threads, EachWithARuntimeOfItsOwnShareAHome) {
  TestHome home;
  // Before any thread: setenv is not safe beside readers.
  ASSERT_EQ(::setenv("BOXLITE_ENGINE", "fake:" BOXLITE_FAKE_ENGINE, /*overwrite=*/1), 0);
  std::vector<std::string> failures(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&home, &failure = failures[static_cast<std::size_t>(thread)], thread]() {
      RuntimeOptions options;
      options.home = home.path();
      options.libexec = home.libexec();
      Result<std::unique_ptr<Runtime>> runtime = Runtime::Open(options);
      if (!runtime.ok()) {
        failure = runtime.error().message();
        return;
      }
      for (int round = 0; round < kRounds && failure.empty(); ++round) {
        failure = UseABox(**runtime, thread, round);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

}  // namespace
}  // namespace boxlite::testing

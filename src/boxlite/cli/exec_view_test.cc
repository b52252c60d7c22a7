#include "boxlite/cli/exec_view.h"

#include <nlohmann/json.hpp>

#include "boxlite/base/testing.h"

namespace boxlite::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 10'000 * kSecond;

ExecInfo Exec(const std::string& id) {
  ExecInfo exec;
  exec.id = id;
  exec.argv = {"sh", "-c", "sleep 100; echo a\nb"};
  exec.running = true;
  exec.started_ns = kNow - 300 * kSecond;
  return exec;
}

TEST(ExecTable, TellsWhatRunsWhatExitedAndWhatTimedOut) {
  ExecInfo exited = Exec("exec-2");
  exited.running = false;
  exited.exit = ProcessExit{.code = 3, .signal = {}};
  exited.ended_ns = kNow - 120 * kSecond;
  ExecInfo killed = exited;
  killed.id = "exec-3";
  killed.exit = ProcessExit{.code = {}, .signal = 9};
  ExecInfo late = killed;
  late.id = "exec-4";
  late.timed_out = true;
  EXPECT_EQ(ExecTable({Exec("exec-1"), exited, killed, late}, kNow, false),
            "EXEC ID   COMMAND                     STATUS                       STARTED\n"
            "exec-1    sh -c sleep 100; echo a?b   running                      5 minutes ago\n"
            "exec-2    sh -c sleep 100; echo a?b   exited (3) 2 minutes ago     5 minutes ago\n"
            "exec-3    sh -c sleep 100; echo a?b   exited (137) 2 minutes ago   5 minutes ago\n"
            "exec-4    sh -c sleep 100; echo a?b   timed out 2 minutes ago      5 minutes ago\n");
}

TEST(ExecEntry, HasNoExitWhileItRuns) {
  const Document entry = ExecEntry(Exec("exec-1"), kNow);
  EXPECT_TRUE(entry["exit_code"].is_null());
  EXPECT_TRUE(entry["ended"].is_null());
  EXPECT_EQ(entry["command"].size(), 3u);
}

}  // namespace
}  // namespace boxlite::cli

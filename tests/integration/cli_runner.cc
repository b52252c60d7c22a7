#include "integration/cli_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "boxlite/base/files.h"
#include "boxlite/base/spawn.h"
#include "testing/walk.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// A cold boot under emulation takes 1.3 s on a free core; this is for a machine that is not free.
constexpr std::chrono::minutes kPatience{3};
// A process that was told to end may still be on its way.
constexpr int kLeavingMs = 5000;

// What a descriptor gives until its end; both at once, so that neither pipe can fill up and block.
void DrainBoth(int first, int second, std::string& first_text, std::string& second_text) {
  pollfd polls[2] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
  std::string* texts[2] = {&first_text, &second_text};
  int open = (first >= 0 ? 1 : 0) + (second >= 0 ? 1 : 0);
  while (open > 0) {
    if (::poll(polls, 2, -1) < 0 && errno != EINTR) return;
    for (int i = 0; i < 2; ++i) {
      if (polls[i].fd < 0 || polls[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t count = ::read(polls[i].fd, buffer, sizeof buffer);
      if (count > 0) {
        texts[i]->append(buffer, static_cast<std::size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        polls[i].fd = -1;
        --open;
      }
    }
  }
}

int Reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

RunningCli::RunningCli(RunningCli&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      handle_(std::move(other.handle_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      in_(std::move(other.in_)),
      read_(std::move(other.read_)) {}

RunningCli::~RunningCli() {
  if (pid_ == 0) return;
  static_cast<void>(handle_.Signal(SIGKILL).ok());
  Reap(pid_);
}

std::string RunningCli::ReadUntil(const std::string& text) {
  const auto deadline = Clock::now() + kPatience;
  while (read_.find(text) == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd poller = {out_.get(), POLLIN, 0};
    char buffer[4096];
    ssize_t count = 0;
    if (left > 0 && ::poll(&poller, 1, static_cast<int>(left)) > 0) {
      count = ::read(out_.get(), buffer, sizeof buffer);
    }
    if (count <= 0) {
      ADD_FAILURE() << "never saw \"" << text << "\", only: " << read_;
      break;
    }
    read_.append(buffer, static_cast<std::size_t>(count));
  }
  return read_;
}

CliResult RunningCli::Finish() {
  in_.Reset();
  CliResult result;
  result.out = std::move(read_);
  DrainBoth(out_.get(), err_.get(), result.out, result.err);
  result.code = Reap(std::exchange(pid_, 0));
  return result;
}

void CliTest::UseHome(const std::string& name) {
  if (root_.empty()) {
    char path[] = "/tmp/boxlite-it-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    root_ = path;
  }
  home_ = root_ + "/" + name;
}

void CliTest::TearDown() {
  if (fs::exists(home_ + "/boxes")) {
    for (const fs::directory_entry& box : fs::directory_iterator(home_ + "/boxes")) {
      const std::string id = box.path().filename();
      if (HasFailure()) {
        for (const fs::directory_entry& life : fs::directory_iterator(box.path() / "lives")) {
          std::ifstream log(life.path() / "shim.log");
          std::stringstream text;
          text << log.rdbuf();
          std::fprintf(stderr, "--- %s\n%s", life.path().c_str(), text.str().c_str());
        }
      }
      const CliResult removed = Run({"rm", "-f", id});
      EXPECT_EQ(removed.code, 0) << removed.err;
    }
  }
  EXPECT_EQ(DescribeLeftovers(root_, kLeavingMs), "") << "something still lives";
  EXPECT_TRUE(RemoveTree(AT_FDCWD, root_).ok());
}

RunningCli CliTest::Launch(std::vector<std::string> args, std::vector<std::string> env) {
  Result<FdPair> out = MakePipe();
  Result<FdPair> err = MakePipe();
  Result<FdPair> in = MakePipe();
  BOXLITE_CHECK(out.ok() && err.ok() && in.ok());
  SpawnRequest request;
  request.argv = {BOXLITE_PROGRAM, "--home", home_};
  request.argv.insert(request.argv.end(), args.begin(), args.end());
  request.environment = std::move(env);
  request.environment.push_back("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
  request.environment.push_back("HOME=/nonexistent");
  request.fds = {{in->first.get(), 0}, {out->second.get(), 1}, {err->second.get(), 2}};
  Result<pid_t> pid = Spawn(request);
  BOXLITE_CHECK(pid.ok());
  Result<ProcessHandle> handle = ProcessHandle::Adopt(*pid);
  BOXLITE_CHECK(handle.ok());
  return RunningCli(*pid, std::move(*handle), std::move(out->first), std::move(err->first),
                    std::move(in->second));
}

CliResult CliTest::Run(std::vector<std::string> args, const std::string& input) {
  RunningCli cli = Launch(std::move(args));
  if (input.empty()) return cli.Finish();
  // Beside the reading: a program that answers while it is fed fills both pipes otherwise.
  std::thread feeder(
      [in = std::move(cli.in()), &input]() { EXPECT_TRUE(WriteAll(in.get(), input).ok()); });
  CliResult result = cli.Finish();
  feeder.join();
  return result;
}

std::string CliTest::Ok(std::vector<std::string> args, const std::string& input) {
  std::string words;
  for (const std::string& word : args) words += " " + word;
  CliResult result = Run(std::move(args), input);
  EXPECT_EQ(result.code, 0) << "boxlite" << words << "\n" << result.err;
  if (!result.out.empty() && result.out.back() == '\n') result.out.pop_back();
  return result.out;
}

}  // namespace boxlite::testing

#include "boxlite/runtime/runtime_guard.h"

#include <kj/debug.h>
#include <signal.h>
#include <stdlib.h>

#include <stdexcept>

#include "boxlite/runtime/testing.h"

namespace boxlite {
namespace {

using testing::HasSubstr;

void (*SigpipeHandler())(int) {
  struct sigaction action = {};
  ::sigaction(SIGPIPE, nullptr, &action);
  return action.sa_handler;
}

// As in a program that has not met kj yet, whatever ran before in this process.
void BeAnEmbedder() { ::signal(SIGPIPE, SIG_DFL); }

bool SigpipeIsBlocked() {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return ::sigismember(&mask, SIGPIPE) == 1;
}

void WriteToNobody() {
  Result<FdPair> pipe = MakePipe();
  BOXLITE_CHECK(pipe.ok());
  pipe->first.Reset();
  EXPECT_THAT(WriteAll(pipe->second.get(), "x"), HasCode(ErrorCode::kUnavailable));
}

// A runtime whose calls go wrong in all the ways that must not be seen outside.
class ThrowingRuntime final : public Runtime {
 public:
  Result<BoxId> Resolve(const std::string& reference) override {
    if (reference == "kj") KJ_FAIL_REQUIRE("thrown by kj");
    if (reference == "std") throw std::runtime_error("thrown by the library");
    WriteToNobody();
    return *BoxId::Parse("abcdefghij01");
  }
  Result<BoxId> Create(const CreateOptions&) override { return Unused(); }
  Status Start(const BoxId&, Attachment) override { return Unused(); }
  Result<EndReport> Stop(const BoxId&, std::chrono::milliseconds) override { return Unused(); }
  Status Kill(const BoxId&, int) override { return Unused(); }
  Status Remove(const BoxId&, Force) override { return Unused(); }
  Result<ProgramEnd> Exec(const BoxId&, const ExecOptions&) override { return Unused(); }
  Result<CopyReport> Copy(const BoxId&, const CopyOptions&) override { return Unused(); }
  Result<std::string> ExecDetached(const BoxId&, const ExecOptions&) override { return Unused(); }
  Result<ProgramEnd> AttachExec(const BoxId&, const std::string&,
                                const AttachExecOptions&) override {
    return Unused();
  }
  Result<std::vector<ExecInfo>> Execs(const BoxId&) override { return Unused(); }
  Result<ProgramEnd> WaitExec(const BoxId&, const std::string&) override { return Unused(); }
  Status SignalExec(const BoxId&, const std::string&, int) override { return Unused(); }
  Result<ProcessExit> Wait(const BoxId&) override { return Unused(); }
  Status Logs(const BoxId&, const LogOptions&) override { return Unused(); }
  Result<ProgramEnd> RunForeground(const BoxId&, const ForegroundOptions&) override {
    return Unused();
  }
  Result<ProgramEnd> Attach(const BoxId&, const AttachOptions&) override { return Unused(); }
  Result<std::vector<BoxInfo>> List() override { return Unused(); }
  Result<BoxInfo> Inspect(const BoxId&) override { return Unused(); }
  Result<HomeInfo> Info() override { return Unused(); }
  Status Rename(const BoxId&, const std::string&) override { return Unused(); }
  Result<PruneReport> Prune(const BoxPredicate&) override { return Unused(); }
  Result<std::uint64_t> DiskUsage(const BoxId&) override { return Unused(); }
  Status WatchEvents(const EventOptions&, const EventSink&) override { return Unused(); }
  Result<BoxProcesses> Processes(const BoxId&) override { return Unused(); }
  Result<BoxUse> Statistics(const BoxId&) override { return Unused(); }

 private:
  static Error Unused() { return Error(ErrorCode::kUnsupported, "unused"); }
};

TEST(RuntimeGuard, NoExceptionLeavesIt) {
  std::unique_ptr<Runtime> runtime = NewRuntimeGuard(std::make_unique<ThrowingRuntime>());
  Result<BoxId> by_kj = runtime->Resolve("kj");
  ASSERT_THAT(by_kj, HasCode(ErrorCode::kInternal));
  EXPECT_THAT(by_kj.error().message(), HasSubstr("thrown by kj"));
  Result<BoxId> by_library = runtime->Resolve("std");
  ASSERT_THAT(by_library, HasCode(ErrorCode::kInternal));
  EXPECT_THAT(by_library.error().message(), HasSubstr("thrown by the library"));
}

TEST(RuntimeGuard, ABrokenPipeInsideIsAnErrorAndNoSignalOutside) {
  BeAnEmbedder();  // a signal would end this process
  std::unique_ptr<Runtime> runtime = NewRuntimeGuard(std::make_unique<ThrowingRuntime>());
  EXPECT_THAT(runtime->Resolve("pipe"), IsOk());
  EXPECT_FALSE(SigpipeIsBlocked());
}

TEST(QuietPipes, LeaveTheMaskAsItWas) {
  {
    QuietPipes quiet;
    EXPECT_TRUE(SigpipeIsBlocked());
  }
  EXPECT_FALSE(SigpipeIsBlocked());
  {
    QuietPipes outer;
    { QuietPipes inner; }
    EXPECT_TRUE(SigpipeIsBlocked());
  }
  EXPECT_FALSE(SigpipeIsBlocked());
}

TEST(Runtime, LeavesTheEmbeddersSigpipeAlone) {
  // kj ignores it for the whole process when its loop is made; the loop is made by the first call
  // that needs one, as a shim's greeting does.
  BeAnEmbedder();
  TestBoxes boxes;
  const BoxId id = boxes.Make();
  RuntimeOptions options;
  options.home = boxes.path();
  Result<std::unique_ptr<Runtime>> runtime = Runtime::Open(options);
  ASSERT_THAT(runtime, IsOk());
  LogOptions follow;
  follow.follow = true;
  EXPECT_THAT((*runtime)->Logs(id, follow), IsOk());
  EXPECT_EQ(SigpipeHandler(), SIG_DFL);
}

TEST(Runtime, FollowingTheLogOfABoxThatDoesNotRunReturnsWhatIsThere) {
  TestBoxes boxes;
  const BoxId id = boxes.Make();
  Fd box = boxes.Open(id);
  Result<FdPair> out = MakePipe();
  ASSERT_THAT(out, IsOk());
  {
    Fd log(::openat(box.get(), kLogFile, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_THAT(WriteAll(log.get(), "1 o 0 6\na\nb\nc\n\n"), IsOk());
  }
  RuntimeOptions options;
  options.home = boxes.path();
  std::unique_ptr<Runtime> runtime = std::move(*Runtime::Open(options));
  LogOptions logs;
  logs.follow = true;
  logs.tail_lines = 2;
  logs.stdout_fd = out->second.get();
  EXPECT_THAT(runtime->Logs(id, logs), IsOk());
  char buffer[16];
  EXPECT_EQ(std::string(buffer,
                        static_cast<std::size_t>(::read(out->first.get(), buffer, sizeof buffer))),
            "b\nc\n");
}

}  // namespace
}  // namespace boxlite

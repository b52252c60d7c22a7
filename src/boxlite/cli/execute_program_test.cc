// What run, start, attach and exec do with what becomes of a program: codes, streams, signals.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "boxlite/cli/execute_testing.h"

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ExecuteProgram : public Execute {};

TEST_F(ExecuteProgram, DetachedRunPrintsTheId) {
  EXPECT_EQ(Do({"run", "-d", "--name", "web", "image", "x"}), kExitOk);
  EXPECT_EQ(captured_.out(), "web000000000\n");
  EXPECT_THAT(fake_->calls, ElementsAre("start web000000000"));
  EXPECT_THAT(fake_->created.command, ElementsAre("x"));
}

TEST_F(ExecuteProgram, ForegroundRunExitsWithMainsCodeAndForwardsSignals) {
  fake_->exit = {.code = 7, .signal = {}};
  EXPECT_EQ(Do({"run", "--name", "web", "image"}), 7);
  EXPECT_THAT(fake_->calls, ElementsAre("run web000000000"));
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    EXPECT_TRUE(::sigismember(&blocked, number)) << number;
  }
}

TEST_F(ExecuteProgram, RunPassesStdinOnOnlyWithI) {
  EXPECT_EQ(Do({"run", "--name", "web", "image"}), kExitOk);
  EXPECT_EQ(fake_->foreground.streams.stdin_fd, -1);
  EXPECT_FALSE(fake_->created.interactive);
  EXPECT_GE(fake_->foreground.interrupt_fd, 0);
  EXPECT_EQ(Do({"run", "-i", "--name", "web", "image"}), kExitOk);
  EXPECT_EQ(fake_->foreground.streams.stdin_fd, STDIN_FILENO);
  EXPECT_TRUE(fake_->created.interactive);
  EXPECT_EQ(fake_->foreground.streams.detach_keys, "") << "in a pipe they are data";
}

// The tests' stdin is no terminal.
TEST_F(ExecuteProgram, ATerminalWantsOneHereUnlessNothingIsTyped) {
  const int stdin_before = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(null, STDIN_FILENO), STDIN_FILENO);
  EXPECT_EQ(Do({"run", "-it", "--name", "web", "image"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("stdin is no terminal"));
  EXPECT_THAT(fake_->calls, IsEmpty());
  EXPECT_EQ(Do({"run", "-t", "--name", "web", "image"}), kExitOk);
  EXPECT_TRUE(fake_->created.terminal);
  EXPECT_EQ(Do({"run", "-dit", "--name", "web", "image"}), kExitOk);
  fake_->boxes = {{"term", {}}};
  fake_->spec.interactive = fake_->spec.terminal = true;
  EXPECT_EQ(Do({"attach", "term"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("with --no-stdin it only watches"));
  EXPECT_EQ(Do({"attach", "--no-stdin", "term"}), kExitOk);
  ::dup2(stdin_before, STDIN_FILENO);
  ::close(stdin_before);
  ::close(null);
}

TEST_F(ExecuteProgram, WhoDetachesExitsWithZeroAndWithoutAWord) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = 7, .signal = {}};
  fake_->detaches = true;
  EXPECT_EQ(Do({"run", "--rm", "--name", "web", "image"}), kExitOk);
  EXPECT_EQ(Do({"attach", "web"}), kExitOk);
  EXPECT_EQ(Do({"start", "-a", "web"}), kExitOk);
  EXPECT_EQ(captured_.out(), "");
  EXPECT_EQ(captured_.err(), "");
}

TEST_F(ExecuteProgram, AttachExitsWithMainsCodeAndFeedsOnlyABoxMadeWithI) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = 7, .signal = {}};
  EXPECT_EQ(Do({"attach", "web"}), 7);
  EXPECT_EQ(fake_->attached.streams.stdin_fd, -1);
  fake_->spec.interactive = true;
  EXPECT_EQ(Do({"attach", "web"}), 7);
  EXPECT_EQ(fake_->attached.streams.stdin_fd, STDIN_FILENO);
  EXPECT_EQ(Do({"attach", "--no-stdin", "web"}), 7);
  EXPECT_EQ(fake_->attached.streams.stdin_fd, -1);
}

TEST_F(ExecuteProgram, StartWithAOrIStaysWithALifeThatIsNotItsOwn) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = 7, .signal = {}};
  fake_->spec.interactive = true;
  EXPECT_EQ(Do({"start", "-a", "web"}), 7);
  EXPECT_EQ(fake_->foreground.streams.stdin_fd, -1);
  EXPECT_EQ(Do({"start", "-i", "web"}), 7);
  EXPECT_EQ(fake_->foreground.streams.stdin_fd, STDIN_FILENO);
  EXPECT_THAT(fake_->calls, ElementsAre("inspect web000000000", "start and follow web000000000",
                                        "inspect web000000000", "start and follow web000000000"));
  EXPECT_EQ(captured_.out(), "") << "only what main writes";
}

TEST_F(ExecuteProgram, DetachedExecPrintsItsIdOnly) {
  fake_->boxes = {{"web", {}}, {"bad", Error(ErrorCode::kCommandNotFound, "no command x")}};
  EXPECT_EQ(Do({"exec", "-d", "web", "make"}), kExitOk);
  EXPECT_EQ(captured_.out(), "exec-1\n");
  EXPECT_EQ(fake_->executed.streams.stdin_fd, -1);
  EXPECT_EQ(Do({"exec", "-dit", "web", "sh"}), kExitOk) << "needs no terminal here";
  EXPECT_EQ(fake_->executed.streams.stdin_fd, STDIN_FILENO) << "its input stays open";
  EXPECT_TRUE(fake_->executed.terminal.has_value());
  EXPECT_EQ(Do({"exec", "-d", "bad", "x"}), kExitNotFound);
}

TEST_F(ExecuteProgram, AnExecThatItsTimeoutEndedExitsAsTimeoutDoes) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = {}, .signal = SIGTERM};
  fake_->timed_out = true;
  EXPECT_EQ(Do({"exec", "--timeout", "5", "web", "make"}), kExitTimedOut);
  EXPECT_EQ(fake_->executed.timeout, std::chrono::seconds(5));
  EXPECT_EQ(Do({"wait", "--exec", "exec-1", "web"}), kExitOk);
  EXPECT_EQ(captured_.out(), "124\n");
}

TEST_F(ExecuteProgram, AttachToAnExecTellsWhatIsGone) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = 7, .signal = {}};
  ExecInfo exec;
  exec.id = "exec-3";
  exec.running = true;
  fake_->execs = {exec};
  fake_->stdout_begin = 100;
  EXPECT_EQ(Do({"attach", "--exec", "exec-3", "--stdout-from", "40", "web"}), 7);
  EXPECT_EQ(fake_->exec_attached.stdout_from, 40U);
  EXPECT_EQ(fake_->exec_attached.streams.stdin_fd, -1);
  EXPECT_THAT(captured_.err(), HasSubstr("60 bytes of stdout are gone"));
  EXPECT_THAT(captured_.err(), Not(HasSubstr("stderr")));
  EXPECT_EQ(Do({"attach", "--exec", "exec-3", "-i", "web"}), 7);
  EXPECT_EQ(fake_->exec_attached.streams.stdin_fd, STDIN_FILENO);
  EXPECT_EQ(Do({"attach", "--exec", "exec-4", "web"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("no exec exec-4 is kept"));
}

TEST_F(ExecuteProgram, ListsExecsUnlessABoxIsCalledLs) {
  fake_->boxes = {{"web", {}}};
  ExecInfo exec;
  exec.id = "exec-3";
  fake_->execs = {exec};
  EXPECT_EQ(Do({"exec", "ls", "-q", "web"}), kExitOk);
  EXPECT_EQ(captured_.out(), "exec-3\n");
  EXPECT_EQ(Do({"exec", "ls", "nobody"}), kExitFailure);
  fake_->boxes = {{"web", {}}, {"ls", {}}};
  EXPECT_EQ(Do({"exec", "ls", "web"}), kExitOk);
  EXPECT_THAT(fake_->calls, ElementsAre("execs web000000000", "exec ls0000000000"));
}

TEST_F(ExecuteProgram, SignalsAnExecByItsId) {
  fake_->boxes = {{"web", {}}};
  EXPECT_EQ(Do({"kill", "--exec", "exec-3", "-s", "TERM", "web"}), kExitOk);
  EXPECT_THAT(fake_->calls, ElementsAre("kill 15 exec-3 web000000000"));
}

TEST_F(ExecuteProgram, SignalsGoToMainUnlessTheyAreToBeKept) {
  class Main final : public ProgramControls {
   public:
    std::vector<int> signals;
    void Signal(int number) override { signals.push_back(number); }
    void Resize(TerminalSize) override {}
    void Detach() override {}
  } main;
  fake_->on_run = [&main](const ProgramStreams& streams) {
    ::raise(SIGUSR1);
    ::raise(SIGTERM);
    for (const ControlSource& source : streams.controls) source.on_readable(main);
  };
  EXPECT_EQ(Do({"run", "--name", "web", "image"}), kExitOk);
  EXPECT_THAT(main.signals, testing::UnorderedElementsAre(SIGUSR1, SIGTERM));
}

TEST_F(ExecuteProgram, ForegroundRunShowsASignalAsAShellDoes) {
  fake_->exit = {.code = {}, .signal = SIGTERM};
  EXPECT_EQ(Do({"run", "--name", "web", "image"}), 128 + SIGTERM);
}

TEST_F(ExecuteProgram, ARunThatASignalInterruptedExitsAsIfItHadEndedOfIt) {
  fake_->boxes = {{"web", Error(ErrorCode::kUnavailable, "interrupted while it was starting")}};
  fake_->raise_in_run = SIGINT;
  EXPECT_EQ(Do({"run", "--rm", "--name", "web", "image"}), 128 + SIGINT);
  EXPECT_THAT(fake_->boxes, IsEmpty());
}

TEST_F(ExecuteProgram, AFailedRunKeepsTheBoxAndSaysSo) {
  fake_->boxes = {{"web", Error(ErrorCode::kUnavailable, "at boot: QEMU left")}};
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--name", "web", "image"},
        {"run", "-d", "--name", "web", "image"}}) {
    EXPECT_EQ(Do(words), kExitFailure);
  }
  EXPECT_EQ(captured_.out(), "");
  EXPECT_THAT(captured_.err(), HasSubstr("at boot: QEMU left (unavailable)"));
  EXPECT_THAT(captured_.err(), HasSubstr("the box web000000000 was kept"));
  EXPECT_THAT(fake_->boxes, SizeIs(1));
}

TEST_F(ExecuteProgram, AFailedRunWithRmLeavesNothingBehind) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--rm", "--name", "web", "image"},
        {"run", "-d", "--rm", "--name", "web", "image"}}) {
    fake_->boxes = {{"web", Error(ErrorCode::kUnavailable, "at boot: QEMU left")}};
    EXPECT_EQ(Do(words), kExitFailure);
    EXPECT_THAT(fake_->boxes, IsEmpty());
  }
  EXPECT_THAT(captured_.err(), Not(HasSubstr("was kept")));
}

TEST_F(ExecuteProgram, SaysNothingWhenOutputFailsSinceItsReaderLeft) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"logs", "web"}, {"run", "--name", "web", "image"}}) {
    for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kCorrupt}) {
      DeafConsole deaf;
      auto runtime = std::make_unique<FakeRuntime>();
      runtime->boxes.insert_or_assign("web", Error(code, "no"));
      Session session(deaf.console(), std::move(runtime));
      const Subcommand* subcommand = FindSubcommand(words[0]);
      Result<Arguments> arguments =
          Arguments::Parse(subcommand->syntax, std::span(words).subspan(1));
      Result<Action> action = subcommand->prepare(*arguments);
      const bool of_reader = code == ErrorCode::kUnavailable;
      EXPECT_EQ((*action)(session), of_reader ? kExitReaderLeft : kExitFailure) << words[0];
      EXPECT_EQ(deaf.said() == 0, of_reader) << words[0];
    }
  }
}

TEST_F(ExecuteProgram, ACommandThatCannotBeStartedGivesTheShellsCodes) {
  struct Case {
    ErrorCode code;
    int exit;
  };
  for (const Case& each : std::vector<Case>{{ErrorCode::kCommandNotFound, 127},
                                            {ErrorCode::kCommandNotExecutable, 126},
                                            {ErrorCode::kWrongState, 1}}) {
    fake_->boxes.insert_or_assign("web", Error(each.code, "no"));
    EXPECT_EQ(Do({"run", "--name", "web", "image"}), each.exit);
    EXPECT_EQ(Do({"run", "-d", "--name", "web", "image"}), each.exit);
    EXPECT_EQ(Do({"exec", "web", "x"}), each.exit);
    EXPECT_EQ(Do({"start", "web"}), kExitFailure);
  }
}

TEST_F(ExecuteProgram, ExecPassesTheCodeOnAndStdinOnlyWhenAsked) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = 42, .signal = {}};
  EXPECT_EQ(Do({"exec", "web", "--", "x", "-i"}), 42);
  EXPECT_EQ(fake_->executed.streams.stdin_fd, -1);
  EXPECT_THAT(fake_->executed.argv, ElementsAre("x", "-i"));
  EXPECT_EQ(Do({"exec", "-i", "web", "x"}), 42);
  EXPECT_EQ(fake_->executed.streams.stdin_fd, 0);
}

TEST_F(ExecuteProgram, WarnsOfVariablesThatTheCallerLacks) {
  ::unsetenv("BOXLITE_TEST_UNSET");
  EXPECT_EQ(Do({"create", "--name", "web", "-e", "BOXLITE_TEST_UNSET", "image"}), kExitOk);
  EXPECT_THAT(captured_.err(), HasSubstr("BOXLITE_TEST_UNSET is not set here"));
  EXPECT_THAT(fake_->created.env, IsEmpty());
}

}  // namespace
}  // namespace boxlite::cli

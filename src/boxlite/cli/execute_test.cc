// What the verbs do with a runtime's answers and errors: output, exit codes, what is left behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boxlite/cli/captured_console.h"
#include "boxlite/cli/fake_runtime.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A Console whose reader has left, and what is then said on stderr.
class DeafConsole {
 public:
  DeafConsole() : err_(::memfd_create("err", MFD_CLOEXEC)) {
    Result<FdPair> pipe = MakePipe();
    out_ = std::move(pipe->second);  // the read end closes here
    console_ = Console(out_.get(), err_.get());
  }
  Console& console() { return console_; }
  off_t said() const { return ::lseek(err_.get(), 0, SEEK_END); }

 private:
  Fd out_;
  Fd err_;
  Console console_;
};

class Execute : public testing::Test {
 protected:
  Execute()
      : fake_(new FakeRuntime), session_(captured_.console(), std::unique_ptr<Runtime>(fake_)) {}

  // run blocks the signals that it forwards: later tests get them back.
  void SetUp() override { ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_); }
  void TearDown() override { ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

  int Do(std::vector<std::string> words) {
    const Subcommand* subcommand = FindSubcommand(words.at(0));
    words.erase(words.begin());
    Result<Arguments> arguments = Arguments::Parse(subcommand->syntax, words);
    EXPECT_TRUE(arguments.ok()) << arguments.error().message();
    Result<Action> action = subcommand->prepare(*arguments);
    EXPECT_TRUE(action.ok()) << action.error().message();
    return captured_.console().Finish((*action)(session_));
  }

  CapturedConsole captured_;
  FakeRuntime* fake_;
  Session session_;
  sigset_t mask_ = {};
};

TEST_F(Execute, TriesAllBoxesAndFailsWhenOneFailed) {
  fake_->boxes = {{"a", {}}, {"bad", Error(ErrorCode::kTimeout, "QEMU lives")}, {"c", {}}};
  struct Case {
    std::vector<std::string> words;
    std::string out;
  };
  for (const Case& each : std::vector<Case>{{{"start"}, "a\nc\n"},
                                            {{"stop"}, "a\nc\n"},
                                            {{"restart"}, "a\nc\n"},
                                            {{"kill"}, "a\nc\n"},
                                            {{"wait"}, "0\n0\n"}}) {
    CapturedConsole captured;
    auto runtime = std::make_unique<FakeRuntime>();
    runtime->boxes = fake_->boxes;
    Session session(captured.console(), std::move(runtime));
    const Subcommand* subcommand = FindSubcommand(each.words[0]);
    const std::vector<std::string> boxes = {"a", "missing", "bad", "c"};
    Result<Action> action = subcommand->prepare(*Arguments::Parse(subcommand->syntax, boxes));
    ASSERT_TRUE(action.ok());
    EXPECT_EQ((*action)(session), kExitFailure) << each.words[0];
    EXPECT_EQ(captured.out(), each.out) << each.words[0];
    EXPECT_EQ(
        captured.err(),
        "boxlite: error: no such box: missing (not_found)\nboxlite: error: QEMU lives (timeout)\n");
  }
}

TEST_F(Execute, GoesOnWithTheOtherBoxesWhenItsReaderHasLeft) {
  struct sigaction before = {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &before), 0);
  ::signal(SIGPIPE, SIG_IGN);  // as main() does
  DeafConsole deaf;
  auto* fake = new FakeRuntime;
  fake->boxes = {{"a", {}}, {"b", {}}};
  Session session(deaf.console(), std::unique_ptr<Runtime>(fake));
  const std::vector<std::string> boxes = {"a", "b"};
  Result<Action> action = kStop.prepare(*Arguments::Parse(kStop.syntax, boxes));
  EXPECT_EQ(deaf.console().Finish((*action)(session)), kExitReaderLeft);
  EXPECT_THAT(fake->calls, ElementsAre("stop 10000 a00000000000", "stop 10000 b00000000000"));
  EXPECT_EQ(deaf.said(), 0);
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_F(Execute, PrintsTheReferenceThatWasGiven) {
  fake_->boxes = {{"a", {}}};
  EXPECT_EQ(Do({"stop", "-t", "3", "a"}), kExitOk);
  EXPECT_EQ(captured_.out(), "a\n");
  EXPECT_EQ(captured_.err(), "");
  EXPECT_THAT(fake_->calls, ElementsAre("stop 3000 a00000000000"));
}

TEST_F(Execute, SaysWhenAStopHadToForce) {
  fake_->boxes = {{"a", {}}};
  fake_->end = {.forced = true, .note = "main was killed after 10 s"};
  EXPECT_EQ(Do({"stop", "a"}), kExitOk);
  EXPECT_THAT(captured_.err(), HasSubstr("box a had to be forced: main was killed after 10 s"));
}

TEST_F(Execute, RestartStopsAndThenStartsDetached) {
  fake_->boxes = {{"a", {}}};
  EXPECT_EQ(Do({"restart", "a"}), kExitOk);
  EXPECT_THAT(fake_->calls, ElementsAre("stop 10000 a00000000000", "start a00000000000"));
}

TEST_F(Execute, RemovePassesForceOn) {
  fake_->boxes = {{"a", {}}, {"b", Error(ErrorCode::kWrongState, "it is running")}};
  EXPECT_EQ(Do({"rm", "a", "b"}), kExitFailure);
  EXPECT_EQ(captured_.out(), "a\n");
  EXPECT_THAT(fake_->calls, ElementsAre("rm a00000000000", "rm b00000000000"));
}

TEST_F(Execute, WaitPrintsSignalsAsAShellDoes) {
  fake_->boxes = {{"a", {}}};
  fake_->exit = {.code = {}, .signal = 9};
  EXPECT_EQ(Do({"wait", "a"}), kExitOk);
  EXPECT_EQ(captured_.out(), "137\n");
}

TEST_F(Execute, DetachedRunPrintsTheId) {
  EXPECT_EQ(Do({"run", "-d", "--name", "web", "image", "x"}), kExitOk);
  EXPECT_EQ(captured_.out(), "web000000000\n");
  EXPECT_THAT(fake_->calls, ElementsAre("start web000000000"));
  EXPECT_THAT(fake_->created.command, ElementsAre("x"));
}

TEST_F(Execute, ForegroundRunExitsWithMainsCodeAndForwardsSignals) {
  fake_->exit = {.code = 7, .signal = {}};
  EXPECT_EQ(Do({"run", "--name", "web", "image"}), 7);
  EXPECT_THAT(fake_->calls, ElementsAre("run web000000000"));
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) {
    EXPECT_TRUE(::sigismember(&blocked, number)) << number;
  }
}

TEST_F(Execute, RunPassesStdinOnOnlyWithI) {
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
TEST_F(Execute, ATerminalWantsOneHereUnlessNothingIsTyped) {
  const int stdin_before = ::dup(STDIN_FILENO);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(null, STDIN_FILENO), STDIN_FILENO);
  EXPECT_EQ(Do({"run", "-it", "--name", "web", "image"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("stdin is no terminal"));
  EXPECT_THAT(fake_->calls, IsEmpty());
  EXPECT_EQ(Do({"run", "-t", "--name", "web", "image"}), kExitOk);
  EXPECT_TRUE(fake_->created.terminal);
  EXPECT_EQ(Do({"run", "-dit", "--name", "web", "image"}), kExitOk);
  ::dup2(stdin_before, STDIN_FILENO);
  ::close(stdin_before);
  ::close(null);
}

TEST_F(Execute, WhoDetachesExitsWithZeroAndWithoutAWord) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = 7, .signal = {}};
  fake_->detaches = true;
  EXPECT_EQ(Do({"run", "--rm", "--name", "web", "image"}), kExitOk);
  EXPECT_EQ(Do({"attach", "web"}), kExitOk);
  EXPECT_EQ(Do({"start", "-a", "web"}), kExitOk);
  EXPECT_EQ(captured_.out(), "");
  EXPECT_EQ(captured_.err(), "");
}

TEST_F(Execute, AttachExitsWithMainsCodeAndFeedsOnlyABoxMadeWithI) {
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

TEST_F(Execute, StartWithAOrIStaysWithALifeThatIsNotItsOwn) {
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

TEST_F(Execute, DetachedExecPrintsItsIdOnly) {
  fake_->boxes = {{"web", {}}, {"bad", Error(ErrorCode::kCommandNotFound, "no command x")}};
  EXPECT_EQ(Do({"exec", "-d", "web", "make"}), kExitOk);
  EXPECT_EQ(captured_.out(), "exec-1\n");
  EXPECT_EQ(fake_->executed.streams.stdin_fd, -1);
  EXPECT_EQ(Do({"exec", "-dit", "web", "sh"}), kExitOk) << "needs no terminal here";
  EXPECT_EQ(fake_->executed.streams.stdin_fd, STDIN_FILENO) << "its input stays open";
  EXPECT_TRUE(fake_->executed.terminal.has_value());
  EXPECT_EQ(Do({"exec", "-d", "bad", "x"}), kExitNotFound);
}

TEST_F(Execute, AnExecThatItsTimeoutEndedExitsAsTimeoutDoes) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = {}, .signal = SIGTERM};
  fake_->timed_out = true;
  EXPECT_EQ(Do({"exec", "--timeout", "5", "web", "make"}), kExitTimedOut);
  EXPECT_EQ(fake_->executed.timeout, std::chrono::seconds(5));
  EXPECT_EQ(Do({"wait", "--exec", "exec-1", "web"}), kExitOk);
  EXPECT_EQ(captured_.out(), "124\n");
}

TEST_F(Execute, AttachToAnExecTellsWhatIsGone) {
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

TEST_F(Execute, ListsExecsUnlessABoxIsCalledLs) {
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

TEST_F(Execute, SignalsAnExecByItsId) {
  fake_->boxes = {{"web", {}}};
  EXPECT_EQ(Do({"kill", "--exec", "exec-3", "-s", "TERM", "web"}), kExitOk);
  EXPECT_THAT(fake_->calls, ElementsAre("kill 15 exec-3 web000000000"));
}

TEST_F(Execute, SignalsGoToMainUnlessTheyAreToBeKept) {
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

TEST_F(Execute, ForegroundRunShowsASignalAsAShellDoes) {
  fake_->exit = {.code = {}, .signal = SIGTERM};
  EXPECT_EQ(Do({"run", "--name", "web", "image"}), 128 + SIGTERM);
}

TEST_F(Execute, ARunThatASignalInterruptedExitsAsIfItHadEndedOfIt) {
  fake_->boxes = {{"web", Error(ErrorCode::kUnavailable, "interrupted while it was starting")}};
  fake_->raise_in_run = SIGINT;
  EXPECT_EQ(Do({"run", "--rm", "--name", "web", "image"}), 128 + SIGINT);
  EXPECT_THAT(fake_->boxes, IsEmpty());
}

TEST_F(Execute, AFailedRunKeepsTheBoxAndSaysSo) {
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

TEST_F(Execute, AFailedRunWithRmLeavesNothingBehind) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", "--rm", "--name", "web", "image"},
        {"run", "-d", "--rm", "--name", "web", "image"}}) {
    fake_->boxes = {{"web", Error(ErrorCode::kUnavailable, "at boot: QEMU left")}};
    EXPECT_EQ(Do(words), kExitFailure);
    EXPECT_THAT(fake_->boxes, IsEmpty());
  }
  EXPECT_THAT(captured_.err(), Not(HasSubstr("was kept")));
}

TEST_F(Execute, SaysNothingWhenOutputFailsSinceItsReaderLeft) {
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

TEST_F(Execute, ACommandThatCannotBeStartedGivesTheShellsCodes) {
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

TEST_F(Execute, CreateThatFailsStartsNothing) {
  fake_->create_error = Error(ErrorCode::kAlreadyExists, "the name web is taken");
  EXPECT_EQ(Do({"run", "--rm", "--name", "web", "image"}), kExitFailure);
  EXPECT_EQ(Do({"create", "--name", "web", "image"}), kExitFailure);
  EXPECT_THAT(fake_->calls, IsEmpty());
  EXPECT_EQ(captured_.out(), "");
}

TEST_F(Execute, ExecPassesTheCodeOnAndStdinOnlyWhenAsked) {
  fake_->boxes = {{"web", {}}};
  fake_->exit = {.code = 42, .signal = {}};
  EXPECT_EQ(Do({"exec", "web", "--", "x", "-i"}), 42);
  EXPECT_EQ(fake_->executed.streams.stdin_fd, -1);
  EXPECT_THAT(fake_->executed.argv, ElementsAre("x", "-i"));
  EXPECT_EQ(Do({"exec", "-i", "web", "x"}), 42);
  EXPECT_EQ(fake_->executed.streams.stdin_fd, 0);
}

TEST_F(Execute, WarnsOfVariablesThatTheCallerLacks) {
  ::unsetenv("BOXLITE_TEST_UNSET");
  EXPECT_EQ(Do({"create", "--name", "web", "-e", "BOXLITE_TEST_UNSET", "image"}), kExitOk);
  EXPECT_THAT(captured_.err(), HasSubstr("BOXLITE_TEST_UNSET is not set here"));
  EXPECT_THAT(fake_->created.env, IsEmpty());
}

TEST_F(Execute, ListShowsLiveBoxesUnlessToldAll) {
  fake_->boxes = {{"a", {}}, {"b", Error(ErrorCode::kInternal, "lost")}};
  EXPECT_EQ(Do({"ls", "-q"}), kExitOk);
  EXPECT_EQ(Do({"ls", "-a", "-q"}), kExitOk);
  EXPECT_EQ(captured_.out(), "a00000000000\na00000000000\nb00000000000\n");
}

TEST_F(Execute, InspectShowsWhatIsThereAndFailsForWhatIsNot) {
  fake_->boxes = {{"a", {}}};
  EXPECT_EQ(Do({"inspect", "missing"}), kExitFailure);
  EXPECT_EQ(captured_.out(), "[]\n");
  EXPECT_EQ(Do({"inspect", "-f", "{{.Name}}={{.State.Status}}", "a", "missing"}), kExitFailure);
  EXPECT_EQ(captured_.out(), "[]\na=running\n");
  EXPECT_EQ(Do({"inspect", "-f", "{{.Nothing}}", "a"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("there is no field .Nothing"));
}

TEST_F(Execute, RenameGivesTheNewName) {
  fake_->boxes = {{"a", {}}, {"b", Error(ErrorCode::kAlreadyExists, "the name c is taken")}};
  EXPECT_EQ(Do({"rename", "a", "c"}), kExitOk);
  EXPECT_EQ(captured_.out(), "");
  EXPECT_EQ(Do({"rename", "b", "c"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("the name c is taken (already_exists)"));
  EXPECT_THAT(fake_->calls, ElementsAre("rename c a00000000000", "rename c b00000000000"));
}

// Stdin for a scope.
class Stdin {
 public:
  explicit Stdin(int fd) : kept_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10)) {
    ::dup2(fd, STDIN_FILENO);
  }
  ~Stdin() { ::dup2(kept_.get(), STDIN_FILENO); }

 private:
  Fd kept_;
};

TEST_F(Execute, PruneRefusesToGuessWhereNobodyCanBeAsked) {
  fake_->boxes = {{"a", {}}};
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Stdin redirected(nothing.get());
  EXPECT_EQ(Do({"prune"}), kExitUsage);
  EXPECT_THAT(captured_.err(), HasSubstr("-f removes without asking"));
  EXPECT_THAT(fake_->calls, IsEmpty());
}

TEST_F(Execute, PruneAsksAtATerminalAndTakesOnlyAYes) {
  fake_->boxes = {{"a", {}}};
  struct Case {
    const char* answer;
    std::size_t prunes;
  };
  for (const Case& each :
       std::vector<Case>{{"n\n", 0}, {"\n", 0}, {"maybe\n", 0}, {"y\n", 1}, {"yes\n", 2}}) {
    const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_EQ(::grantpt(terminal.get()), 0);
    ASSERT_EQ(::unlockpt(terminal.get()), 0);
    const Fd user(::open(::ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_GT(::write(terminal.get(), each.answer, strlen(each.answer)), 0);
    const Stdin redirected(user.get());
    EXPECT_EQ(Do({"prune"}), kExitOk);
    EXPECT_THAT(fake_->calls, SizeIs(each.prunes)) << each.answer;
  }
  EXPECT_THAT(captured_.out(), HasSubstr("Go on? [y/N] "));
}

TEST_F(Execute, PruneSaysWhatItRemovedAndFailsForWhatItCouldNot) {
  fake_->boxes = {{"a", {}}, {"b", {}}, {"bad", Error(ErrorCode::kInternal, "the disk broke")}};
  EXPECT_EQ(Do({"prune", "-f"}), kExitFailure);
  EXPECT_EQ(captured_.out(),
            "Removed boxes:\na00000000000\nb00000000000\n\nTotal reclaimed space: 2.469MB\n");
  EXPECT_THAT(captured_.err(), HasSubstr("the disk broke"));
}

TEST_F(Execute, PruneAsksItsFilterOfEachBox) {
  fake_->boxes = {{"a", {}}};
  EXPECT_EQ(Do({"prune", "-f", "--filter", "label=ci"}), kExitOk);
  EXPECT_EQ(captured_.out(), "Total reclaimed space: 0B\n");
}

TEST_F(Execute, ListShowsWhatTheFilterAndTheCountLeave) {
  fake_->boxes = {{"a", {}}, {"bad", Error(ErrorCode::kTimeout, "QEMU lives")}, {"c", {}}};
  EXPECT_EQ(Do({"ls", "-q", "--filter", "name=a"}), kExitOk);
  EXPECT_EQ(Do({"ls", "-q", "--filter", "status=failed"}), kExitOk);
  EXPECT_EQ(Do({"ls", "-q", "-n", "2"}), kExitOk);
  EXPECT_EQ(Do({"ls", "-ql"}), kExitOk);
  EXPECT_EQ(captured_.out(),
            "a00000000000\n"
            "bad000000000\n"
            "a00000000000\nbad000000000\n"
            "a00000000000\n");
}

TEST_F(Execute, ListShowsATemplateAndItsTable) {
  fake_->boxes = {{"a", {}}, {"longer", {}}};
  EXPECT_EQ(Do({"ls", "--format", "{{.Names}}\\t{{.State}}"}), kExitOk);
  EXPECT_EQ(Do({"ls", "--format", "table {{.Names}}\\t{{.Size}}"}), kExitOk);
  EXPECT_EQ(captured_.out(),
            "a\trunning\nlonger\trunning\n"
            "NAMES    SIZE\na        4.096kB\nlonger   4.096kB\n");
  EXPECT_EQ(Do({"ls", "--format", "{{.Nmae}}"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("there is no field .Nmae; there are: "));
}

TEST_F(Execute, ListShowsSizesWhenAsked) {
  fake_->boxes = {{"a", {}}};
  EXPECT_EQ(Do({"ls", "-s"}), kExitOk);
  EXPECT_THAT(captured_.out(), HasSubstr("NAMES   SIZE\n"));
  EXPECT_THAT(captured_.out(), HasSubstr("a       4.096kB\n"));
  EXPECT_EQ(Do({"ls", "-s", "--format", "json"}), kExitOk);
  EXPECT_THAT(captured_.out(), HasSubstr("\"size_bytes\": 4096"));
}

TEST_F(Execute, EventsShowsThoseThatItsFilterLeaves) {
  const BoxId id = FakeRuntime::IdOf("a");
  fake_->events = {{EventKind::kCreate, id, 1, "a", "img", {}, {}},
                   {EventKind::kDie, id, 2, "a", "img", {}, {{"exitCode", "3"}}}};
  EXPECT_EQ(Do({"events", "--since", "1", "--until", "5", "--filter", "event=die", "--format",
                "{{.Action}} {{.ID}} {{.Actor.Attributes.exitCode}}"}),
            kExitOk);
  EXPECT_EQ(captured_.out(), "die a00000000000 3\n");
  EXPECT_EQ(fake_->watched.since_ns, 1'000'000'000);
  EXPECT_EQ(fake_->watched.until_ns, 5'000'000'000);
}

TEST_F(Execute, EventsFailsForAFieldThatIsNotThere) {
  fake_->events = {{EventKind::kCreate, FakeRuntime::IdOf("a"), 1, "a", "img", {}, {}}};
  EXPECT_EQ(Do({"events", "--format", "{{.Nmae}}"}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("--format: there is no field .Nmae"));
}

TEST_F(Execute, CopyIsSilentWithoutATerminalButForWhatWasLeftOut) {
  fake_->boxes["web"];
  EXPECT_EQ(Do({"cp", "/src", "web:/dst"}), kExitOk);
  EXPECT_EQ(captured_.err(), "");
  EXPECT_EQ(fake_->copied.host_path, "/src");
  fake_->copy_report.skipped = 2;
  fake_->copy_report.notes = {"owners were not kept"};
  EXPECT_EQ(Do({"cp", "-a", "web:/src", "."}), kExitOk);
  EXPECT_THAT(captured_.err(), HasSubstr("2 special files left out"));
  EXPECT_THAT(captured_.err(), HasSubstr("owners were not kept"));
}

TEST_F(Execute, CopyFailsWithTheErrorsText) {
  fake_->boxes["web"] = Error(ErrorCode::kNotFound, "/none in the box does not exist");
  EXPECT_EQ(Do({"cp", "web:/none", "."}), kExitFailure);
  EXPECT_THAT(captured_.err(), HasSubstr("cp: /none in the box does not exist (not_found)"));
  EXPECT_EQ(Do({"cp", "absent:/x", "."}), kExitFailure);
}

}  // namespace
}  // namespace boxlite::cli

// What the verbs do with a runtime's answers and errors: output, exit codes, what is left behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boxlite/cli/execute_testing.h"

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

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

TEST_F(Execute, CreateThatFailsStartsNothing) {
  fake_->create_error = Error(ErrorCode::kAlreadyExists, "the name web is taken");
  EXPECT_EQ(Do({"run", "--rm", "--name", "web", "image"}), kExitFailure);
  EXPECT_EQ(Do({"create", "--name", "web", "image"}), kExitFailure);
  EXPECT_THAT(fake_->calls, IsEmpty());
  EXPECT_EQ(captured_.out(), "");
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

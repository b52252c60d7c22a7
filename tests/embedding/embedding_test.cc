// Programs that embed libboxlite.so (embedder.cc), each in a home of its own with the fake engine.
// What an embedder has of its own (children, signals, descriptors, threads) is untouched, and what
// it does with them does not disturb the library.
#include <gtest/gtest.h>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

void RunCase(const std::string& name) {
  TestHome home;
  const int status = home.RunProgram({BOXLITE_EMBEDDER, name}, std::chrono::seconds(120));
  EXPECT_EQ(status, 0) << "the embedder's case " << name << " failed, see above";
}

TEST(Embedding, KeepsTheExitCodesOfTheHostsOwnChildren) { RunCase("own-children"); }
TEST(Embedding, SendsTheHostNoSigchld) { RunCase("no-sigchld"); }
TEST(Embedding, WorksWhereSigchldIsIgnored) { RunCase("sigchld-ignored"); }
TEST(Embedding, LeavesTheDispositionOfSigpipe) { RunCase("sigpipe"); }
TEST(Embedding, RefusesItsHandlesInAForkedCopy) { RunCase("fork"); }
TEST(Embedding, LetsAForkedCopyKeepNothingAlive) { RunCase("fork-keeps-nothing"); }
TEST(Embedding, WorksWithoutStandardDescriptors) { RunCase("closed-standard"); }
TEST(Embedding, SurvivesAHostThatClosesAllDescriptors) { RunCase("all-closed"); }
TEST(Embedding, ShowsTheHostNoDescriptor) { RunCase("descriptors"); }
TEST(Embedding, KeepsABoxThatAThreadStartedWhichHasEnded) { RunCase("thread-ends"); }
TEST(Embedding, ServesEightThreadsAtOnce) { RunCase("eight-threads"); }
TEST(Embedding, LetsAHandleSurviveStopStartAndCrash) { RunCase("handle"); }
TEST(Embedding, TellsEveryFailureByItsCode) { RunCase("errors"); }
TEST(Embedding, KeepsDeadlines) { RunCase("deadlines"); }
TEST(Embedding, CallsBackWithEveryByteInOrder) { RunCase("callbacks"); }
TEST(Embedding, EndsAProgramWhoseCaptureIsGivenUp) { RunCase("capture-ends"); }
TEST(Embedding, LetsAProgramLiveWhenItsHandleGoes) { RunCase("let-go"); }
TEST(Embedding, EndsWhatWaitsAtItsClose) { RunCase("close"); }
TEST(Embedding, ReadsTheLog) { RunCase("logs"); }
TEST(Embedding, CopiesFilesBothWaysAndSaysWhatIsMissing) { RunCase("files"); }
TEST(Embedding, TellsTheProgressOfACopyOnTheCallersThread) { RunCase("copy-progress"); }
TEST(Embedding, EndsACopyWhoseTimeIsOver) { RunCase("copy-late"); }
TEST(Embedding, RenamesABoxAndTellsWhatItUses) { RunCase("rename-usage"); }

}  // namespace
}  // namespace boxlite::testing

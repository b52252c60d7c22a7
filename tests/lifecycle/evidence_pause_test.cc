// A reader may be interrupted for any time between any two of its reads: what it then says was true
// at some moment of its looking.
#include <signal.h>

#include <functional>
#include <set>

#include "boxlite/base/files.h"
#include "boxlite/runtime/evidence.h"
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

// Looks at the box, and lets `happening` happen before the read number `pause_at`. The number of
// reads of the undisturbed look is returned through `reads`.
DerivedState LookWithPause(const TestHome& home, const std::string& id, int pause_at, int& reads,
                           const std::function<void()>& happening) {
  Result<Fd> box = OpenDirectoryPath(home.box(id));
  EXPECT_TRUE(box.ok());
  int step = 0;
  Result<Evidence> evidence = ReadEvidence(box->get(), [&](const char*) {
    if (step++ == pause_at) happening();
  });
  EXPECT_TRUE(evidence.ok());
  reads = step;
  return DeriveState(*evidence);
}

// Each test repeats itself with the pause one read further on, until the look has no such read.
void AtEveryRead(TestHome& home, const std::string& id, const std::function<void()>& prepare,
                 const std::function<void()>& happening, const std::set<std::string>& allowed) {
  int reads = 1;
  for (int pause_at = 0; pause_at < reads; ++pause_at) {
    prepare();
    int after = 0;
    const DerivedState derived = LookWithPause(home, id, pause_at, after, happening);
    EXPECT_TRUE(allowed.contains(std::string(BoxStateName(derived.state))))
        << "paused before read " << pause_at << ": " << BoxStateName(derived.state) << ", "
        << derived.reason;
    EXPECT_EQ(derived.reason.find("lost"), std::string::npos) << derived.reason;
    EXPECT_EQ(derived.reason.find("leaving"), std::string::npos) << derived.reason;
    // Of the shortest look, without the second try that the pause may cause.
    int undisturbed = 0;
    if (pause_at == 0) LookWithPause(home, id, -1, undisturbed, [] {});
    if (pause_at == 0) reads = undisturbed;
  }
  EXPECT_GE(reads, 9);
}

class EvidencePause : public ::testing::Test {
 protected:
  void Start() { ASSERT_TRUE(IsOk(home_.Run({"start", id_}))); }
  void Stop() { ASSERT_TRUE(IsOk(home_.Run({"stop", id_, "5000"}))); }

  TestHome home_;
  std::string id_ = home_.Create();
};

TEST_F(EvidencePause, NeverShowsACleanStopAsACrash) {
  AtEveryRead(
      home_, id_, [&] { Start(); }, [&] { Stop(); }, {"running", "stopping", "stopped"});
}

TEST_F(EvidencePause, NeverShowsAStartAsAMachineThatIsLeaving) {
  Start();
  AtEveryRead(
      home_, id_, [&] { Stop(); }, [&] { Start(); }, {"stopped", "starting", "running"});
  Stop();
}

TEST_F(EvidencePause, NeverMixesTwoLives) {
  AtEveryRead(
      home_, id_, [&] { Start(); },
      [&] {
        Stop();
        Start();
      },
      {"running", "stopping", "stopped", "starting"});
  Stop();
}

TEST_F(EvidencePause, NeverShowsACrashAsAStop) {
  int reads = 1;
  for (int pause_at = 0; pause_at < reads; ++pause_at) {
    Start();
    const ProcessRef engine = home_.Engine(id_);
    int after = 0;
    const DerivedState derived = LookWithPause(home_, id_, pause_at, after, [&] {
      ASSERT_TRUE(home_.Shim(id_).Signal(SIGKILL));
      ASSERT_TRUE(engine.AwaitEnd());
    });
    EXPECT_TRUE(derived.state == BoxState::kRunning || derived.state == BoxState::kFailed)
        << "paused before read " << pause_at << ": " << BoxStateName(derived.state);
    if (pause_at == 0) reads = after;
  }
}

}  // namespace
}  // namespace boxlite::testing

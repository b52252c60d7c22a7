#include "boxlite/shim/log_gate.h"

#include <kj/async.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

constexpr std::uint64_t kWindow = 1024 * 1024;

class LogGateTest : public testing::Test {
 protected:
  void Write(std::size_t bytes) {
    ASSERT_THAT(log_->Append(LogStream::kStdout, std::string(bytes, 'x'), 0), IsOk());
  }
  bool Goes() {
    kj::Promise<void> promise = gate_->WhenMayGoOn();
    return promise.poll(scope_);
  }

  // On the heap: destructors of kj's may throw, a fixture's may not.
  struct Loop {
    kj::EventLoop loop;
    kj::WaitScope scope{loop};
  };
  std::unique_ptr<Loop> loop_ = std::make_unique<Loop>();
  kj::WaitScope& scope_ = loop_->scope;
  TestDirectory dir_;
  std::shared_ptr<LogWriter> log_ =
      std::make_shared<LogWriter>(std::move(*LogWriter::Open(dir_.fd())));
  std::shared_ptr<LogGate> gate_ = std::make_shared<LogGate>(log_, kWindow);
};

TEST_F(LogGateTest, WithoutAReaderMainNeverWaits) {
  for (int i = 0; i < 20; ++i) {
    Write(kWindow / 2);
    EXPECT_TRUE(Goes());
  }
}

TEST_F(LogGateTest, AReaderThatStandsStillStopsMainAtTheWindow) {
  auto reader = gate_->AddReader(0);
  Write(kWindow / 2);
  EXPECT_TRUE(Goes());
  Write(kWindow / 2 + 1);
  EXPECT_FALSE(Goes());
}

TEST_F(LogGateTest, WhatAReaderHasShownLetsMainGoOn) {
  auto reader = gate_->AddReader(0);
  Write(2 * kWindow);
  kj::Promise<void> blocked = gate_->WhenMayGoOn();
  EXPECT_FALSE(blocked.poll(scope_));
  reader->Shown(1);
  EXPECT_FALSE(blocked.poll(scope_));
  reader->Shown(2 * kWindow);
  EXPECT_TRUE(blocked.poll(scope_));
}

TEST_F(LogGateTest, GoesOnFromAPlaceInTheMiddle) {
  auto reader = gate_->AddReader(0);
  for (int i = 0; i < 8; ++i) {
    Write(kWindow / 4);
    static_cast<void>(Goes());  // the sink asks after each append
  }
  EXPECT_FALSE(Goes());
  reader->Shown(kWindow / 2);
  EXPECT_FALSE(Goes());
  reader->Shown(kWindow + kWindow / 2);
  EXPECT_TRUE(Goes());
}

TEST_F(LogGateTest, TheSlowestOfSeveralCounts) {
  auto slow = gate_->AddReader(0);
  auto quick = gate_->AddReader(0);
  Write(2 * kWindow);
  kj::Promise<void> blocked = gate_->WhenMayGoOn();
  quick->Shown(log_->end());
  EXPECT_FALSE(blocked.poll(scope_));
  slow->Shown(log_->end());
  EXPECT_TRUE(blocked.poll(scope_));
}

TEST_F(LogGateTest, AReaderThatGoesFreesMainAtOnce) {
  auto reader = gate_->AddReader(0);
  Write(2 * kWindow);
  kj::Promise<void> blocked = gate_->WhenMayGoOn();
  kj::Promise<void> other = gate_->WhenMayGoOn();
  EXPECT_FALSE(blocked.poll(scope_));
  reader = nullptr;
  EXPECT_TRUE(blocked.poll(scope_));
  EXPECT_TRUE(other.poll(scope_));
}

// A byte a record costs the files some forty bytes: counted as main's bytes, a reader within its
// window would still be run over by rotation.
TEST_F(LogGateTest, CountsWhatTheFilesTakeAndNotMainsBytes) {
  auto reader = gate_->AddReader(0);
  std::size_t bytes = 0;
  while (Goes()) {
    Write(1);
    ASSERT_LT(++bytes, kWindow / 4);
  }
  EXPECT_LT(log_->written(), kWindow + 1024);
  reader->Shown(bytes / 2);
  EXPECT_TRUE(Goes());
}

TEST_F(LogGateTest, AReaderFromNowOnIsNotBehind) {
  Write(3 * kWindow);
  auto reader = gate_->AddReader(log_->end());
  EXPECT_TRUE(Goes());
}

TEST_F(LogGateTest, AReaderFromBeforeThisLifeIsAsFarBehindAsTheLifeReaches) {
  Write(3 * kWindow);
  auto late = gate_->AddReader(5);
  EXPECT_FALSE(Goes());
  late->Shown(log_->end());
  EXPECT_TRUE(Goes());
}

TEST_F(LogGateTest, WidenedItTakesLastWordsAndNoFlood) {
  auto reader = gate_->AddReader(0);
  Write(kWindow + 1);
  kj::Promise<void> blocked = gate_->WhenMayGoOn();
  EXPECT_FALSE(blocked.poll(scope_));
  gate_->Widen();
  EXPECT_TRUE(blocked.poll(scope_));
  Write(kLastWordsWindow);
  EXPECT_FALSE(Goes());
}

TEST_F(LogGateTest, OpenedForGoodItHoldsNobody) {
  auto reader = gate_->AddReader(0);
  Write(2 * kWindow);
  kj::Promise<void> blocked = gate_->WhenMayGoOn();
  gate_->Open();
  EXPECT_TRUE(blocked.poll(scope_));
  Write(2 * kWindow);
  EXPECT_TRUE(Goes());
}

TEST_F(LogGateTest, TellsWhenTheLastReaderHasGone) {
  auto first = gate_->AddReader(0);
  auto second = gate_->AddReader(0);
  kj::Promise<void> unread = gate_->WhenUnread();
  first = nullptr;
  EXPECT_FALSE(unread.poll(scope_));
  second = nullptr;
  EXPECT_TRUE(unread.poll(scope_));
  EXPECT_TRUE(gate_->WhenUnread().poll(scope_));
}

TEST_F(LogGateTest, AReaderThatGoesBackIsNotBelieved) {
  auto reader = gate_->AddReader(0);
  Write(2 * kWindow);
  reader->Shown(log_->end());
  reader->Shown(0);
  EXPECT_TRUE(Goes());
}

TEST_F(LogGateTest, AWriterThatIsDroppedWhileItWaitsLeavesNothing) {
  auto reader = gate_->AddReader(0);
  Write(2 * kWindow);
  { kj::Promise<void> blocked = gate_->WhenMayGoOn(); }
  reader = nullptr;
  EXPECT_TRUE(Goes());
}

}  // namespace
}  // namespace boxlite

#include "boxlite/runtime/log_follow.h"

#include <memory>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

constexpr std::int64_t kTime = 5;

class LogFollowTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<FdPair> out = MakePipe();
    Result<FdPair> err = MakePipe();
    ASSERT_TRUE(out.ok() && err.ok());
    out_ = std::move(*out);
    err_ = std::move(*err);
    for (int fd : {out_.first.get(), err_.first.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
  LogWriter OpenLog(std::uint64_t rotate = kLogRotateBytes) {
    Result<LogWriter> log = LogWriter::Open(dir_.fd(), rotate);
    BOXLITE_CHECK(log.ok());
    return std::move(*log);
  }
  std::unique_ptr<LogFollower> Follow(std::uint64_t from = 0) {
    Result<std::unique_ptr<LogFollower>> follower =
        LogFollower::Create(*io_, dir_.fd(), from, CopyTo(out_.second.get(), err_.second.get()));
    BOXLITE_CHECK(follower.ok());
    return std::move(*follower);
  }
  static std::string Take(const Fd& pipe) {
    char buffer[65536];
    const ssize_t count = ::read(pipe.get(), buffer, sizeof buffer);
    return count <= 0 ? "" : std::string(buffer, static_cast<std::size_t>(count));
  }

  TestDirectory dir_;
  // On the heap: destructors of kj's may throw, a fixture's may not.
  std::unique_ptr<kj::AsyncIoContext> io_ =
      std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo());
  FdPair out_;
  FdPair err_;
};

TEST_F(LogFollowTest, CopiesWhatIsThereToTheRightStreams) {
  LogWriter log = OpenLog();
  ASSERT_THAT(log.Append(LogStream::kStdout, "out\n", kTime), IsOk());
  ASSERT_THAT(log.Append(LogStream::kStderr, "err\n", kTime), IsOk());
  std::unique_ptr<LogFollower> follower = Follow();
  ASSERT_THAT(follower->Drain(), IsOk());
  EXPECT_EQ(Take(out_.first), "out\n");
  EXPECT_EQ(Take(err_.first), "err\n");
  ASSERT_THAT(follower->Drain(), IsOk());
  EXPECT_EQ(Take(out_.first), "") << "each byte once";
}

TEST_F(LogFollowTest, BeginsAtTheAskedByte) {
  LogWriter log = OpenLog();
  ASSERT_THAT(log.Append(LogStream::kStdout, "0123456789", kTime), IsOk());
  ASSERT_THAT(Follow(4)->Drain(), IsOk());
  EXPECT_EQ(Take(out_.first), "456789");
}

TEST_F(LogFollowTest, SeesALogThatAppearsOnlyLater) {
  std::unique_ptr<LogFollower> follower = Follow();
  kj::Promise<void> running = follower->Run().eagerlyEvaluate(nullptr);
  EXPECT_FALSE(running.poll(io_->waitScope));
  LogWriter log = OpenLog();
  ASSERT_THAT(log.Append(LogStream::kStdout, "first", kTime), IsOk());
  for (std::string got; got != "first"; got += Take(out_.first)) {
    EXPECT_FALSE(running.poll(io_->waitScope));
  }
}

TEST_F(LogFollowTest, WhatIsWrittenWhileItRunsIsCopiedAndRotationLosesNothing) {
  LogWriter log = OpenLog(200);
  std::unique_ptr<LogFollower> follower = Follow();
  kj::Promise<void> running = follower->Run().eagerlyEvaluate(nullptr);
  std::string expected;
  std::string got;
  for (int i = 0; i < 60; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    ASSERT_THAT(log.Append(LogStream::kStdout, line, kTime), IsOk());
    expected += line;
    // The event of the write is there before the poll: one look is enough.
    EXPECT_FALSE(running.poll(io_->waitScope));
    got += Take(out_.first);
  }
  EXPECT_EQ(got, expected);
}

TEST_F(LogFollowTest, OutputThatWasRotatedAwayWhileFollowingIsAnErrorAndNotASilentGap) {
  LogWriter log = OpenLog(100);
  ASSERT_THAT(log.Append(LogStream::kStdout, "begin", kTime), IsOk());
  std::unique_ptr<LogFollower> follower = Follow();
  ASSERT_THAT(follower->Drain(), IsOk());
  for (int i = 0; i < 40; ++i) {
    ASSERT_THAT(log.Append(LogStream::kStdout, std::string(50, 'x'), kTime), IsOk());
  }
  EXPECT_THAT(follower->Drain(), HasCode(ErrorCode::kResourceExhausted));
}

TEST_F(LogFollowTest, AReaderThatLeftEndsIt) {
  LogWriter log = OpenLog();
  std::unique_ptr<LogFollower> follower = Follow();
  out_.first.Reset();
  ASSERT_THAT(log.Append(LogStream::kStdout, "x", kTime), IsOk());
  // kj has SIGPIPE ignored while its loop lives.
  EXPECT_THAT(follower->Drain(), HasCode(ErrorCode::kUnavailable));
  EXPECT_FALSE(follower->failure().has_value());
  kj::Promise<void> running = follower->Run().eagerlyEvaluate(nullptr);
  EXPECT_TRUE(running.poll(io_->waitScope));
  ASSERT_TRUE(follower->failure().has_value());
  EXPECT_EQ(follower->failure()->code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace boxlite

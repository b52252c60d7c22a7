#include "boxlite/runtime/program_input.h"

#include <gtest/gtest.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "boxlite/base/files.h"
#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr char kKeys[] = "\x10\x11";  // ctrl-p, ctrl-q

TEST(DetachScanner, PassesWhatAreNotTheKeys) {
  DetachScanner scanner(kKeys);
  EXPECT_EQ(scanner.Feed("hello\x11\n"), "hello\x11\n");
  EXPECT_FALSE(scanner.found());
}

TEST(DetachScanner, FindsTheKeysAndPassesNothingOfThemOrBehind) {
  DetachScanner scanner(kKeys);
  EXPECT_EQ(scanner.Feed("ab\x10\x11"
                         "cd"),
            "ab");
  EXPECT_TRUE(scanner.found());
  EXPECT_EQ(scanner.Feed("more"), "");
  EXPECT_EQ(scanner.Rest(), "");
}

TEST(DetachScanner, FindsThemAcrossPieces) {
  DetachScanner scanner(kKeys);
  EXPECT_EQ(scanner.Feed("a\x10"), "a");
  EXPECT_FALSE(scanner.found());
  EXPECT_EQ(scanner.Feed("\x11"), "");
  EXPECT_TRUE(scanner.found());
}

TEST(DetachScanner, GivesAFalseBeginningBack) {
  DetachScanner scanner(kKeys);
  EXPECT_EQ(scanner.Feed("\x10"), "");
  EXPECT_EQ(scanner.Feed("x"), "\x10x");
  EXPECT_EQ(scanner.Feed("\x10\x10"), "\x10");
  EXPECT_EQ(scanner.Rest(), "\x10") << "the last byte typed is not lost at the end";
}

TEST(DetachScanner, FindsKeysThatBeginInAFalseBeginning) {
  DetachScanner scanner("aab");
  EXPECT_EQ(scanner.Feed("aaab"), "a");
  EXPECT_TRUE(scanner.found());
}

TEST(DetachScanner, WithoutKeysFindsNothing) {
  DetachScanner scanner("");
  EXPECT_EQ(scanner.Feed(std::string("\x10\x11\0", 3)), std::string("\x10\x11\0", 3));
  EXPECT_FALSE(scanner.found());
}

struct Got {
  std::string bytes;
  bool ended = false;
};

class GotSink final : public wire::ByteSink::Server {
 public:
  explicit GotSink(Got& got) : got_(got) {}
  kj::Promise<void> write(WriteContext context) override {
    got_.bytes += AsText(context.getParams().getBytes());
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override {
    got_.ended = true;
    return kj::READY_NOW;
  }

 private:
  Got& got_;
};

class InputPumpTest : public testing::Test {
 protected:
  std::unique_ptr<kj::AsyncIoContext> io_ =
      std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo());
  FdPair pipe_ = std::move(*MakePipe());
  Got got_;
  int detached_ = 0;

  InputPump Pump(const std::string& keys) {
    return InputPump(*io_, pipe_.first.get(), kj::heap<GotSink>(got_), keys,
                     [this]() { ++detached_; });
  }
};

TEST_F(InputPumpTest, CopiesToTheEndAndEndsTheSink) {
  ASSERT_THAT(WriteAll(pipe_.second.get(), "hello\x10"), IsOk());
  pipe_.second.Reset();
  InputPump pump = Pump(kKeys);
  pump.Run().wait(io_->waitScope);
  EXPECT_EQ(got_.bytes, "hello\x10");
  EXPECT_TRUE(got_.ended);
  EXPECT_EQ(detached_, 0);
}

TEST_F(InputPumpTest, DetachesWithoutEndingTheSink) {
  ASSERT_THAT(WriteAll(pipe_.second.get(), "hello\x10\x11"), IsOk());
  InputPump pump = Pump(kKeys);
  pump.Run().wait(io_->waitScope);
  EXPECT_EQ(got_.bytes, "hello");
  EXPECT_FALSE(got_.ended);
  EXPECT_EQ(detached_, 1);
}

class CountingControls final : public ProgramControls {
 public:
  int signalled = 0;
  void Signal(int number) override { signalled = number; }
  void Resize(TerminalSize) override {}
  void Detach() override {}
};

TEST_F(InputPumpTest, CallsAControlSourceEachTimeItsDescriptorIsReadable) {
  CountingControls controls;
  const std::vector<ControlSource> sources = {{pipe_.first.get(), [&](ProgramControls& given) {
                                                 char byte = 0;
                                                 ASSERT_EQ(::read(pipe_.first.get(), &byte, 1), 1);
                                                 given.Signal(byte);
                                               }}};
  ASSERT_THAT(WriteAll(pipe_.second.get(), "\x01\x02"), IsOk());
  ControlWatch watch(*io_, sources, controls);
  io_->waitScope.poll();
  EXPECT_EQ(controls.signalled, 2) << "also what was there before the watch began";
  ASSERT_THAT(WriteAll(pipe_.second.get(), "\x05"), IsOk());
  io_->waitScope.poll();
  EXPECT_EQ(controls.signalled, 5);
}

}  // namespace
}  // namespace boxlite

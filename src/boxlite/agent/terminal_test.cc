// A terminal of the host's in place of the box's, and what the agent's streams do with it.
#include "boxlite/agent/terminal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "boxlite/agent/input_sink.h"
#include "boxlite/agent/output_pump.h"
#include "boxlite/base/files.h"
#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr char kHostPtmx[] = "/dev/ptmx";

winsize SizeOf(const Fd& fd) {
  winsize size = {};
  EXPECT_EQ(::ioctl(fd.get(), TIOCGWINSZ, &size), 0);
  return size;
}

void ChangeSettings(const Fd& fd, void (*change)(termios&)) {
  termios settings = {};
  ASSERT_EQ(::tcgetattr(fd.get(), &settings), 0);
  change(settings);
  ASSERT_EQ(::tcsetattr(fd.get(), TCSANOW, &settings), 0);
}

TEST(Terminal, HasTheSizeAskedForOr24By80) {
  Result<Terminal> terminal = OpenTerminal(kHostPtmx, {50, 132});
  ASSERT_THAT(terminal, IsOk());
  EXPECT_EQ(SizeOf(terminal->slave).ws_row, 50);
  EXPECT_EQ(SizeOf(terminal->slave).ws_col, 132);
  ASSERT_THAT(SetWindowSize(terminal->master.get(), {}), IsOk());
  EXPECT_EQ(SizeOf(terminal->slave).ws_row, 24);
  EXPECT_EQ(SizeOf(terminal->slave).ws_col, 80);
}

TEST(Terminal, IsNotOpenedFromWhatIsNoMultiplexer) {
  EXPECT_THAT(OpenTerminal("/dev/null", {}), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(OpenTerminal("/dev/absent", {}), HasCode(ErrorCode::kNotFound));
}

TEST(Terminal, ErasesWholeCharactersOfUtf8) {
  Result<Terminal> terminal = OpenTerminal(kHostPtmx, {});
  ASSERT_THAT(terminal, IsOk());
  ASSERT_TRUE(WriteAll(terminal->master.get(), "a\xc3\xa4\x7f\n").ok());
  char buffer[16];
  ASSERT_EQ(::read(terminal->slave.get(), buffer, sizeof buffer), 2);
  EXPECT_EQ(std::string(buffer, 2), "a\n");
}

TEST(Terminal, GoesThroughASocketWithBothEnds) {
  Result<FdPair> ends = MakeSocketPair();
  Result<Terminal> sent = OpenTerminal(kHostPtmx, {});
  ASSERT_TRUE(ends.ok() && sent.ok());
  ASSERT_THAT(SendTerminal(ends->second.get(), *sent), IsOk());
  Result<Terminal> received = ReceiveTerminal(ends->first.get());
  ASSERT_THAT(received, IsOk());
  sent = Error(ErrorCode::kInternal, "closed");
  ASSERT_TRUE(WriteAll(received->slave.get(), "x").ok());
  char byte = 0;
  EXPECT_EQ(::read(received->master.get(), &byte, 1), 1);
  for (const Fd* fd : {&received->master, &received->slave}) {
    EXPECT_EQ(::fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST(Terminal, ThatWasNotSentIsNotWaitedFor) {
  Result<FdPair> ends = MakeSocketPair();
  ASSERT_TRUE(ends.ok());
  EXPECT_THAT(ReceiveTerminal(ends->first.get()), HasCode(ErrorCode::kInternal));
  ASSERT_TRUE(WriteAll(ends->second.get(), "T").ok());
  EXPECT_THAT(ReceiveTerminal(ends->first.get()), HasCode(ErrorCode::kInternal));
  ends->second.Reset();
  EXPECT_THAT(ReceiveTerminal(ends->first.get()), HasCode(ErrorCode::kInternal));
}

TEST(EndOfInput, IsTypedAsTheTerminalIsSet) {
  Result<Terminal> terminal = OpenTerminal(kHostPtmx, {});
  ASSERT_THAT(terminal, IsOk());
  const int master = terminal->master.get();
  EXPECT_EQ(EndOfInput(master, false), "\4");
  EXPECT_EQ(EndOfInput(master, true), "\4\4");
  ChangeSettings(terminal->slave, [](termios& settings) { settings.c_cc[VEOF] = 'q'; });
  EXPECT_EQ(EndOfInput(master, false), "q");
  ChangeSettings(terminal->slave, [](termios& settings) { ::cfmakeraw(&settings); });
  EXPECT_EQ(EndOfInput(master, true), "q");
  ChangeSettings(terminal->slave, [](termios& settings) {
    settings.c_cc[VEOF] = _POSIX_VDISABLE;
    settings.c_lflag |= ICANON;
  });
  EXPECT_EQ(EndOfInput(master, false), "");
}

struct Taken {
  std::string bytes;
  bool ended = false;
  kj::Maybe<kj::ForkedPromise<void>> gate;
};

class RecordingSink final : public wire::ByteSink::Server {
 public:
  explicit RecordingSink(Taken& taken) : taken_(taken) {}
  kj::Promise<void> write(WriteContext context) override {
    taken_.bytes += AsText(context.getParams().getBytes());
    KJ_IF_MAYBE (gate, taken_.gate) {
      return gate->addBranch();
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override {
    taken_.ended = true;
    return kj::READY_NOW;
  }

 private:
  Taken& taken_;
};

class TerminalStreams : public ::testing::Test {
 protected:
  TerminalStreams() : io_(kj::setupAsyncIo()), terminal_(*OpenTerminal(kHostPtmx, {})) {
    ChangeSettings(terminal_.slave, [](termios& settings) { settings.c_lflag &= ~unsigned{ECHO}; });
  }
  ~TerminalStreams() noexcept override {}
  template <typename T>
  T Wait(kj::Promise<T> promise) {
    return promise.wait(io_.waitScope);
  }
  kj::Own<OutputPump> NewPump() {
    return kj::heap<OutputPump>(*DuplicateFd(terminal_.master.get()),
                                kj::heap<RecordingSink>(taken_), io_.unixEventPort,
                                OutputPump::Source::kTerminal);
  }
  wire::ByteSink::Client NewInput() {
    return kj::heap<InputSink>(*DuplicateFd(terminal_.master.get()), io_.unixEventPort,
                               InputSink::Kind::kTerminal);
  }
  kj::Promise<void> Type(wire::ByteSink::Client& sink, std::string_view text) {
    auto request = sink.writeRequest();
    request.setBytes(AsBytes(text));
    return request.send();
  }
  // As much as the kernel takes without anybody reading.
  std::string FillSlave() {
    EXPECT_EQ(::fcntl(terminal_.slave.get(), F_SETFL, O_NONBLOCK), 0);
    std::string written;
    for (int i = 0;; ++i) {
      const std::string chunk(1000, static_cast<char>('a' + i % 26));
      const ssize_t count = ::write(terminal_.slave.get(), chunk.data(), chunk.size());
      if (count <= 0) return written;
      written += chunk.substr(0, static_cast<std::size_t>(count));
    }
  }

  kj::AsyncIoContext io_;
  Terminal terminal_;
  Taken taken_;
};

TEST_F(TerminalStreams, AllThatWasWrittenArrivesAndThenTheEnd) {
  const std::string written = FillSlave();
  EXPECT_GT(written.size(), 8'000u);  // more than FIONREAD would tell of
  terminal_.slave.Reset();
  auto pump = NewPump();
  Wait(pump->WhenDone());
  EXPECT_EQ(taken_.bytes, written);
  EXPECT_TRUE(taken_.ended);
}

TEST_F(TerminalStreams, WhatIsOwedIsDeliveredThoughSomebodyHoldsTheTerminalOpen) {
  const std::string written = FillSlave();
  auto gate = kj::newPromiseAndFulfiller<void>();
  taken_.gate = gate.promise.fork();
  auto pump = NewPump();
  const std::uint64_t owed = pump->Written();
  EXPECT_GE(owed, written.size());
  io_.waitScope.poll();
  kj::Promise<void> delivered = pump->WhenDelivered(owed);
  EXPECT_FALSE(delivered.poll(io_.waitScope));
  gate.fulfiller->fulfill();
  Wait(kj::mv(delivered));
  EXPECT_EQ(taken_.bytes, written);
  EXPECT_FALSE(taken_.ended);
  // Nothing waits: nothing is owed.
  EXPECT_EQ(pump->Written(), written.size());
  Wait(pump->WhenDelivered(written.size() + 1));
}

TEST_F(TerminalStreams, InputThatIsNotReadWaitsAndIsNotLost) {
  wire::ByteSink::Client input = NewInput();
  ChangeSettings(terminal_.slave, [](termios& settings) { ::cfmakeraw(&settings); });
  std::string typed;
  for (int i = 0; typed.size() < 300'000; ++i) typed += std::to_string(i) + "\n";
  kj::Promise<void> done =
      Type(input, std::string_view(typed).substr(0, 150'000))
          .then([&]() { return Type(input, std::string_view(typed).substr(150'000)); })
          .then([&]() { return input.endRequest().send().ignoreResult(); })
          .eagerlyEvaluate(nullptr);
  EXPECT_FALSE(done.poll(io_.waitScope));  // and the loop goes on
  ASSERT_EQ(::fcntl(terminal_.slave.get(), F_SETFL, O_NONBLOCK), 0);
  kj::UnixEventPort::FdObserver readable(io_.unixEventPort, terminal_.slave.get(),
                                         kj::UnixEventPort::FdObserver::OBSERVE_READ);
  const std::string wanted = typed + "\4";
  std::string got;
  while (got.size() < wanted.size()) {
    char buffer[1000];
    const ssize_t count = ::read(terminal_.slave.get(), buffer, sizeof buffer);
    if (count > 0) {
      got.append(buffer, static_cast<std::size_t>(count));
    } else {
      ASSERT_EQ(errno, EAGAIN);
      Wait(readable.whenBecomesReadable());
    }
    io_.waitScope.poll();
  }
  EXPECT_TRUE(got == wanted);  // too long to print
  Wait(kj::mv(done));
}

TEST_F(TerminalStreams, TheEndOfInputEndsALineReaderEvenInTheMiddleOfALine) {
  wire::ByteSink::Client input = NewInput();
  Wait(Type(input, "whole\npart"));
  Wait(input.endRequest().send().ignoreResult());
  char buffer[64];
  EXPECT_EQ(::read(terminal_.slave.get(), buffer, sizeof buffer), 6);
  EXPECT_EQ(::read(terminal_.slave.get(), buffer, sizeof buffer), 4);
  EXPECT_EQ(::read(terminal_.slave.get(), buffer, sizeof buffer), 0);
  EXPECT_TRUE(WriteAll(terminal_.slave.get(), "not hung up").ok());
}

TEST_F(TerminalStreams, InputToATerminalThatAllHaveLeftIsDropped) {
  wire::ByteSink::Client input = NewInput();
  terminal_.slave.Reset();
  Wait(Type(input, "nobody reads this"));
  Wait(input.endRequest().send().ignoreResult());
}

}  // namespace
}  // namespace boxlite

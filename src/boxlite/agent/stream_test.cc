// The agent's three kinds of streams, over pipes and sockets in place of programs and the host's
// port.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <signal.h>

#include <algorithm>
#include <string>

#include "boxlite/agent/guest_port.h"
#include "boxlite/agent/input_sink.h"
#include "boxlite/agent/output_pump.h"
#include "boxlite/agent/session.h"
#include "boxlite/base/files.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/rpc/serial_handshake.h"

namespace boxlite {
namespace {

constexpr std::size_t kPipeBytes = 64 * 1024;

void SetNonBlocking(const Fd& fd) { ASSERT_EQ(::fcntl(fd.get(), F_SETFL, O_NONBLOCK), 0); }

// What a sink was given. While `gate` is set, writes wait for it.
struct Taken {
  std::string bytes;
  std::size_t largest = 0;  // of one write
  bool ended = false;
  bool refuses = false;
  bool answers_no_end = false;
  kj::Maybe<kj::ForkedPromise<void>> gate;
};

class RecordingSink final : public wire::ByteSink::Server {
 public:
  explicit RecordingSink(Taken& taken) : taken_(taken) {}
  kj::Promise<void> write(WriteContext context) override {
    KJ_REQUIRE(!taken_.refuses, "this sink is broken");
    const std::string_view bytes = AsText(context.getParams().getBytes());
    taken_.bytes += bytes;
    taken_.largest = std::max(taken_.largest, bytes.size());
    KJ_IF_MAYBE (gate, taken_.gate) {
      return gate->addBranch();
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override {
    taken_.ended = true;
    if (taken_.answers_no_end) return kj::NEVER_DONE;
    return kj::READY_NOW;
  }

 private:
  Taken& taken_;
};

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() : io_(kj::setupAsyncIo()) {}
  // kj's destructors may throw, gtest's may not.
  ~StreamTest() noexcept override {}
  template <typename T>
  T Wait(kj::Promise<T> promise) {
    return promise.wait(io_.waitScope);
  }
  kj::AsyncIoContext io_;
};

class OutputPumpTest : public StreamTest {
 protected:
  OutputPumpTest() : pipe_(std::move(*MakePipe())) {
    SetNonBlocking(pipe_.first);
    SetNonBlocking(pipe_.second);
  }
  ~OutputPumpTest() noexcept override {}
  kj::Own<OutputPump> NewPump() {
    return kj::heap<OutputPump>(std::move(pipe_.first), kj::heap<RecordingSink>(taken_),
                                io_.unixEventPort);
  }
  Taken taken_;
  FdPair pipe_;
};

TEST_F(OutputPumpTest, EverythingArrivesInOrderAndThenTheEnd) {
  auto pump = NewPump();
  std::string sent;
  for (int i = 0; i < 50; ++i) {
    const std::string line(10'000, static_cast<char>('a' + i % 26));
    sent += line;
    ASSERT_TRUE(WriteAll(pipe_.second.get(), line).ok());
    Wait(pump->WhenDelivered(sent.size()));
  }
  EXPECT_FALSE(taken_.ended);
  pipe_.second.Reset();
  Wait(pump->WhenDone());
  EXPECT_EQ(taken_.bytes, sent);
  EXPECT_TRUE(taken_.ended);
}

TEST_F(OutputPumpTest, LargeWritesArriveInOrderInChunksOfHalfThePipe) {
  ASSERT_EQ(::fcntl(pipe_.second.get(), F_SETPIPE_SZ, static_cast<int>(kProgramPipeBytes)),
            static_cast<int>(kProgramPipeBytes));
  std::string sent;
  for (std::size_t i = 0; i < kProgramPipeBytes; ++i) sent.push_back(static_cast<char>(i * 7 / 3));
  ASSERT_TRUE(WriteAll(pipe_.second.get(), sent).ok());
  auto pump = NewPump();
  EXPECT_EQ(pump->Written(), sent.size());
  Wait(pump->WhenDelivered(sent.size()));
  ASSERT_TRUE(WriteAll(pipe_.second.get(), "and a line\n").ok());
  pipe_.second.Reset();
  Wait(pump->WhenDone());
  EXPECT_TRUE(taken_.bytes == sent + "and a line\n");
  EXPECT_EQ(taken_.largest, kProgramPipeBytes / 2);
}

TEST_F(OutputPumpTest, OnlyTheEndOfWhatWasWrittenIsWaitedFor) {
  taken_.answers_no_end = true;
  pipe_.second.Reset();
  auto silent = NewPump();
  Wait(silent->WhenDone());
  io_.waitScope.poll();
  EXPECT_TRUE(taken_.ended);
  pipe_ = std::move(*MakePipe());
  SetNonBlocking(pipe_.first);
  ASSERT_TRUE(WriteAll(pipe_.second.get(), "x").ok());
  pipe_.second.Reset();
  auto pump = NewPump();
  Wait(pump->WhenDelivered(1));
  EXPECT_FALSE(pump->WhenDone().poll(io_.waitScope));
}

TEST_F(OutputPumpTest, WhatWasWrittenCountsBeforeItIsDelivered) {
  ASSERT_TRUE(WriteAll(pipe_.second.get(), "12345").ok());
  auto pump = NewPump();
  EXPECT_EQ(pump->Written(), 5u);
  Wait(pump->WhenDelivered(5));
  EXPECT_EQ(pump->Written(), 5u);
  EXPECT_EQ(taken_.bytes, "12345");
}

TEST_F(OutputPumpTest, ASlowSinkHoldsTheProgramBack) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  taken_.gate = paf.promise.fork();
  auto pump = NewPump();
  const std::string chunk(4096, 'x');
  std::size_t written = 0;
  for (int turn = 0; turn < 1000; ++turn) {
    const ssize_t count = ::write(pipe_.second.get(), chunk.data(), chunk.size());
    if (count > 0) written += static_cast<std::size_t>(count);
    io_.waitScope.poll();
  }
  // The pipe, the window of the stream and what lies between, not all of the 4 MB.
  EXPECT_LT(written, 512u * 1024);
  paf.fulfiller->fulfill();
  pipe_.second.Reset();
  Wait(pump->WhenDone());
  EXPECT_EQ(taken_.bytes.size(), written);
}

TEST_F(OutputPumpTest, ABrokenSinkDoesNotBlockTheProgram) {
  taken_.refuses = true;
  auto pump = NewPump();
  const std::string chunk(kPipeBytes, 'x');
  for (std::size_t sent = kPipeBytes; sent <= 10 * kPipeBytes; sent += kPipeBytes) {
    ASSERT_TRUE(WriteAll(pipe_.second.get(), chunk).ok());
    Wait(pump->WhenDelivered(sent));
  }
  pipe_.second.Reset();
  Wait(pump->WhenDone());
  EXPECT_FALSE(taken_.ended);
}

class InputSinkTest : public StreamTest {
 protected:
  InputSinkTest() : pipe_(std::move(*MakePipe())) {
    SetNonBlocking(pipe_.second);
    sink_ = wire::ByteSink::Client(kj::heap<InputSink>(std::move(pipe_.second), io_.unixEventPort));
  }
  ~InputSinkTest() noexcept override {}
  kj::Promise<void> Write(std::string_view text) {
    auto request = sink_.writeRequest();
    request.setBytes(AsBytes(text));
    return request.send();
  }
  void End() { Wait(sink_.endRequest().send().ignoreResult()); }

  FdPair pipe_;
  wire::ByteSink::Client sink_ = nullptr;
};

TEST_F(InputSinkTest, AProgramReadsWhatWasWrittenAndThenTheEnd) {
  Wait(Write("hello"));
  char buffer[16];
  EXPECT_EQ(::read(pipe_.first.get(), buffer, sizeof buffer), 5);
  End();
  EXPECT_EQ(::read(pipe_.first.get(), buffer, sizeof buffer), 0);
}

TEST_F(InputSinkTest, MoreThanThePipeTakesWaitsForTheProgram) {
  const std::string large(3 * kPipeBytes, 'x');
  kj::Promise<void> end =
      Write(large).then([this]() { return sink_.endRequest().send().ignoreResult(); });
  EXPECT_FALSE(end.poll(io_.waitScope));
  std::string got;
  while (!end.poll(io_.waitScope)) {
    char buffer[16 * 1024];
    const ssize_t count = ::read(pipe_.first.get(), buffer, sizeof buffer);
    ASSERT_GT(count, 0);
    got.append(buffer, static_cast<std::size_t>(count));
  }
  char buffer[kPipeBytes];
  for (ssize_t count; (count = ::read(pipe_.first.get(), buffer, sizeof buffer)) > 0;) {
    got.append(buffer, static_cast<std::size_t>(count));
  }
  EXPECT_EQ(got, large);
}

TEST_F(InputSinkTest, AProgramThatDoesNotReadLosesItsInputQuietly) {
  pipe_.first.Reset();
  Wait(Write("nobody reads this"));
  Wait(Write("nor this"));
  End();
}

// As the driver gives it: a page or less at a time.
TEST_F(StreamTest, AMessageIsReadWholeHoweverItComes) {
  FdPair ends = std::move(*MakeSocketPair());
  SetNonBlocking(ends.first);
  GuestPort port(std::move(ends.first), io_.unixEventPort);
  std::string got(40'000, '\0');
  kj::Promise<std::size_t> reading = port.tryRead(got.data(), got.size(), got.size());
  std::string sent;
  while (sent.size() < got.size()) {
    const std::string page(std::min<std::size_t>(got.size() - sent.size(), 4000),
                           static_cast<char>('a' + sent.size() / 4000));
    EXPECT_FALSE(reading.poll(io_.waitScope));
    ASSERT_TRUE(WriteAll(ends.second.get(), page).ok());
    sent += page;
  }
  EXPECT_EQ(Wait(kj::mv(reading)), sent.size());
  EXPECT_TRUE(got == sent);
  reading = port.tryRead(got.data(), got.size(), got.size());
  EXPECT_FALSE(reading.poll(io_.waitScope));
  ASSERT_TRUE(WriteAll(ends.second.get(), "the host").ok());
  EXPECT_FALSE(reading.poll(io_.waitScope));
  ends.second.Reset();
  EXPECT_EQ(Wait(kj::mv(reading)), 8u) << "it went away in the middle";
}

class SessionTest : public StreamTest {
 protected:
  class Pinged final : public wire::Agent::Server {
   public:
    kj::Promise<void> ping(PingContext) override { return kj::READY_NOW; }
  };

  SessionTest() {
    FdPair ends = std::move(*MakeSocketPair());
    SetNonBlocking(ends.first);
    port_ = kj::heap<GuestPort>(std::move(ends.first), io_.unixEventPort);
    host_ = io_.lowLevelProvider->wrapSocketFd(
        ends.second.Release(),
        kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
    serving_ = ServeSessions(*port_, kj::heap<Pinged>(), [this]() {
                 ++greetings_;
               }).eagerlyEvaluate(nullptr);
  }
  ~SessionTest() noexcept override {}
  void Send(std::string_view bytes) { Wait(host_->write(bytes.data(), bytes.size())); }
  void SendHello(std::uint8_t nonce) {
    Greeting greeting{kAgentProtocolVersion, {}};
    greeting.nonce.fill(nonce);
    const GreetingBytes hello = EncodeGreeting(GreetingKind::kHello, greeting);
    Send({reinterpret_cast<const char*>(hello.data()), hello.size()});
  }
  Greeting ReadAck() {
    GreetingBytes bytes = {};
    Wait(host_->read(bytes.data(), bytes.size()));
    auto found = GreetingScanner(GreetingKind::kAck).Feed(bytes);
    EXPECT_TRUE(found.ok() && found->has_value());
    return found.ok() && *found ? (**found).greeting : Greeting{};
  }

  kj::Own<GuestPort> port_;
  kj::Own<kj::AsyncIoStream> host_;
  int greetings_ = 0;
  kj::Promise<void> serving_ = nullptr;
};

TEST_F(SessionTest, AHostIsAnsweredWithItsOwnNonceAndThenServed) {
  SendHello(7);
  EXPECT_EQ(ReadAck().nonce[0], 7);
  EXPECT_EQ(greetings_, 1);
  capnp::TwoPartyVatNetwork network(*host_, capnp::rpc::twoparty::Side::CLIENT);
  auto rpc = capnp::makeRpcClient(network);
  capnp::MallocMessageBuilder message;
  auto server = message.initRoot<capnp::rpc::twoparty::VatId>();
  server.setSide(capnp::rpc::twoparty::Side::SERVER);
  Wait(rpc.bootstrap(server).castAs<wire::Agent>().pingRequest().send().ignoreResult());
}

TEST_F(SessionTest, LeftoversBeforeTheGreetingAreDiscarded) {
  Send(std::string(10'000, '\0') + "leftovers");
  SendHello(9);
  EXPECT_EQ(ReadAck().nonce[0], 9);
}

TEST_F(SessionTest, TheLastOfSeveralGreetingsCounts) {
  Greeting old{kAgentProtocolVersion, {}};
  Greeting now{kAgentProtocolVersion, {}};
  now.nonce.fill(2);
  const GreetingBytes first = EncodeGreeting(GreetingKind::kHello, old);
  const GreetingBytes second = EncodeGreeting(GreetingKind::kHello, now);
  std::string both(first.begin(), first.end());
  both.append(second.begin(), second.end());
  Send(both);
  EXPECT_EQ(ReadAck().nonce[0], 2);
}

TEST_F(SessionTest, AfterABrokenSessionTheNextGreetingIsAnswered) {
  SendHello(1);
  EXPECT_EQ(ReadAck().nonce[0], 1);
  // A segment table of more segments than any message has.
  Send(std::string(64, '\xff'));
  // The agent's last word to that session may come first.
  SendHello(3);
  std::string seen;
  const Greeting wanted = [] {
    Greeting greeting{kAgentProtocolVersion, {}};
    greeting.nonce.fill(3);
    return greeting;
  }();
  const GreetingBytes ack = EncodeGreeting(GreetingKind::kAck, wanted);
  const std::string needle(ack.begin(), ack.end());
  while (seen.find(needle) == std::string::npos) {
    char buffer[512];
    const std::size_t count = Wait(host_->tryRead(buffer, 1, sizeof buffer));
    ASSERT_GT(count, 0u);
    seen.append(buffer, count);
  }
  EXPECT_EQ(greetings_, 1);
}

TEST_F(SessionTest, PiecesOfAnyLengthArriveInOrder) {
  const std::string head = "head";
  const std::string large(1024 * 1024, 'x');
  const std::string tail = "tail";
  const kj::ArrayPtr<const kj::byte> pieces[] = {AsBytes(head), AsBytes(large), AsBytes(tail)};
  kj::Promise<void> written = port_->write(kj::arrayPtr(pieces, 3))
                                  .then([&]() { return port_->write(kj::arrayPtr(&pieces[2], 1)); })
                                  .eagerlyEvaluate(nullptr);
  kj::Promise<void> flushed = port_->WhenFlushed().eagerlyEvaluate(nullptr);
  EXPECT_FALSE(flushed.poll(io_.waitScope));
  std::string got(head.size() + large.size() + 2 * tail.size(), '\0');
  Wait(host_->read(got.data(), got.size()));
  EXPECT_TRUE(got == head + large + tail + tail);
  Wait(kj::mv(written));
  Wait(kj::mv(flushed));
}

TEST_F(SessionTest, FlushedMeansThatTheHostCanReadIt) {
  const std::string large(4 * 1024 * 1024, 'x');
  kj::Promise<void> written = port_->write(large.data(), large.size()).eagerlyEvaluate(nullptr);
  kj::Promise<void> flushed = port_->WhenFlushed().eagerlyEvaluate(nullptr);
  EXPECT_FALSE(flushed.poll(io_.waitScope));
  auto buffer = kj::heapArray<char>(large.size());
  Wait(host_->read(buffer.begin(), buffer.size()));
  Wait(kj::mv(flushed));
  Wait(kj::mv(written));
}

}  // namespace
}  // namespace boxlite

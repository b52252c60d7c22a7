#include "boxlite/rpc/session_stream.h"

#include <gtest/gtest.h>
#include <kj/async.h>

#include <string>
#include <string_view>

namespace boxlite {
namespace {

class SessionStreamTest : public ::testing::Test {
 protected:
  SessionStreamTest() : scope_(loop_), pipe_(kj::newTwoWayPipe()) {}
  // kj's members have destructors that may throw; gtest's may not.
  ~SessionStreamTest() noexcept override = default;

  SessionStream Behind(std::string_view first) {
    return SessionStream(
        *pipe_.ends[0],
        kj::heapArray(reinterpret_cast<const kj::byte*>(first.data()), first.size()));
  }
  std::string Read(SessionStream& stream, std::size_t min, std::size_t max) {
    std::string bytes(max, '?');
    bytes.resize(stream.tryRead(bytes.data(), min, max).wait(scope_));
    return bytes;
  }
  // In the background: the pipe has no buffer.
  kj::Promise<void> Send(std::string_view bytes) {
    return pipe_.ends[1]->write(bytes.data(), bytes.size()).eagerlyEvaluate(nullptr);
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_;
  kj::TwoWayPipe pipe_;
};

TEST_F(SessionStreamTest, ReadsWhatFollowedTheGreetingBeforeThePort) {
  SessionStream stream = Behind("abc");
  const kj::Promise<void> sending = Send("def");
  EXPECT_EQ(Read(stream, 1, 2), "ab");
  EXPECT_EQ(Read(stream, 1, 9), "c") << "what is there is enough";
  EXPECT_EQ(Read(stream, 3, 9), "def");
}

TEST_F(SessionStreamTest, GoesOnWithThePortWhenMoreIsWanted) {
  SessionStream stream = Behind("abc");
  const kj::Promise<void> sending = Send("def");
  EXPECT_EQ(Read(stream, 5, 6), "abcdef");
}

TEST_F(SessionStreamTest, EndsWhenThePortDoes) {
  SessionStream stream = Behind("ab");
  pipe_.ends[1]->shutdownWrite();
  EXPECT_EQ(Read(stream, 5, 9), "ab");
  EXPECT_EQ(Read(stream, 1, 9), "");
}

TEST_F(SessionStreamTest, WritesToThePortAndLeavesItOpen) {
  SessionStream stream = Behind("");
  const kj::Promise<void> writing = stream.write("xyz", 3).eagerlyEvaluate(nullptr);
  char bytes[3] = {};
  EXPECT_EQ(pipe_.ends[1]->tryRead(bytes, 3, 3).wait(scope_), 3u);
  EXPECT_EQ(std::string_view(bytes, 3), "xyz");
  stream.shutdownWrite();
  kj::Promise<std::size_t> more = pipe_.ends[1]->tryRead(bytes, 1, 3);
  EXPECT_FALSE(more.poll(scope_)) << "a serial port cannot be closed by half";
}

TEST_F(SessionStreamTest, TellsRpcTheWindowOfItsStreams) {
  SessionStream stream = Behind("");
  int window = 0;
  kj::uint length = sizeof window;
  stream.getsockopt(SOL_SOCKET, SO_SNDBUF, &window, &length);
  EXPECT_EQ(window, static_cast<int>(kStreamWindow));
  EXPECT_EQ(length, sizeof window);
}

}  // namespace
}  // namespace boxlite

// SessionStream: a serial port from behind its greeting on, as the stream that RPC runs over.
#pragma once

#include <kj/async-io.h>
#include <kj/debug.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace boxlite {

// What a stream may have under way, unanswered: two of the agent's chunks. One that waited for the
// answer to each would spend its time on the way; with many, the host would have to keep as much
// for every reader that does not read (kGuestFlowLimitWords).
inline constexpr kj::uint kStreamWindow = 256 * 1024;

// Both sides read a greeting in chunks, and so a little of what follows it: `first`, which is read
// again before the port. The port, which is only borrowed, has no half-close: the machine's end, or
// the next greeting, says it.
class SessionStream final : public kj::AsyncIoStream {
 public:
  SessionStream(kj::AsyncIoStream& port, kj::Array<kj::byte> first)
      : port_(port), first_(kj::mv(first)) {}

  kj::Promise<std::size_t> tryRead(void* buffer, std::size_t min, std::size_t max) override {
    const std::size_t count = std::min(first_.size() - taken_, max);
    if (count == 0) return port_.tryRead(buffer, min, max);
    std::memcpy(buffer, first_.begin() + taken_, count);
    taken_ += count;
    if (count >= min) return count;
    return port_.tryRead(static_cast<char*>(buffer) + count, min - count, max - count)
        .then([count](std::size_t more) { return count + more; });
  }
  kj::Promise<void> write(const void* buffer, std::size_t size) override {
    return port_.write(buffer, size);
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return port_.write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return port_.whenWriteDisconnected(); }
  void shutdownWrite() override {}
  void abortRead() override {}
  // RPC takes the window of its streams from a socket's send buffer; a port has none to ask for.
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    KJ_REQUIRE(level == SOL_SOCKET && option == SO_SNDBUF && *length >= sizeof kStreamWindow);
    std::memcpy(value, &kStreamWindow, sizeof kStreamWindow);
    *length = sizeof kStreamWindow;
  }

 private:
  kj::AsyncIoStream& port_;
  kj::Array<kj::byte> first_;
  std::size_t taken_ = 0;
};

}  // namespace boxlite

// Carries what a program writes, into one of its pipes or its terminal, to the sink on the host,
// with the sink's back-pressure.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <cstdint>

#include "boxlite/base/fd.h"
#include "types.capnp.h"

namespace boxlite {

// Of a program's pipes. The kernel's 64 KiB have the program and this side change places, on the
// machine's only processor, after every chunk.
inline constexpr std::size_t kProgramPipeBytes = 256 * 1024;

class OutputPump {
 public:
  enum class Source { kPipe, kTerminal };

  // `fd`, a pipe's read end or a terminal's master, is non-blocking. Starts reading at once.
  OutputPump(Fd fd, wire::ByteSink::Client sink, kj::UnixEventPort& event_port,
             Source source = Source::kPipe);

  // Resolves when the source has ended (all that held its other end are gone) and the sink has
  // taken everything.
  kj::Promise<void> WhenDone() { return done_.addBranch(); }

  // How many bytes the program has written up to now, delivered or not. Of a terminal with bytes
  // that wait: at least as many, since the kernel does not tell.
  std::uint64_t Written() const;
  // Resolves when the first `position` bytes have been handed to the sink, or all that there were.
  kj::Promise<void> WhenDelivered(std::uint64_t position);
  // Resolves when the sink has taken whatever was handed to it: a streaming call returns before.
  kj::Promise<void> WhenTaken();

 private:
  using Request = capnp::StreamingRequest<wire::ByteSink::WriteParams>;

  kj::Promise<void> Pump();
  // Reads this many bytes, which wait, straight into the message.
  kj::Promise<void> PumpInPlace(std::size_t size);
  ssize_t Fill();
  Request NewWrite(std::size_t size);
  kj::Promise<void> Deliver(std::size_t size);
  kj::Promise<void> Sent(Request request, std::size_t size);
  kj::Promise<void> Finish();
  void CountDelivered(std::uint64_t size);
  void TellAwaiting();
  bool Readable() const;
  std::size_t Waiting() const;  // in the pipe

  Fd fd_;
  const Source source_;
  kj::UnixEventPort::FdObserver observer_;
  wire::ByteSink::Client sink_;
  // A sink that failed: the rest is read and dropped, so that the program does not block on it.
  bool sink_gone_ = false;
  std::uint64_t taken_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t awaited_ = 0;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> awaiting_;
  kj::Array<kj::byte> buffer_;    // null: all that there was has been delivered
  kj::ForkedPromise<void> done_;  // last: ends first
};

}  // namespace boxlite

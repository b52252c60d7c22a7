// The virtio-serial port as a kj stream. It is a character device, not a socket: it has no
// half-close, and while the host's end is closed it reads as ended and polls as hung up.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include "boxlite/base/fd.h"

namespace boxlite {

class GuestPort final : public kj::AsyncIoStream {
 public:
  // `fd` is non-blocking.
  GuestPort(Fd fd, kj::UnixEventPort& event_port);

  // Fewer than `min` bytes: the host's end is closed. It may be opened again.
  kj::Promise<std::size_t> tryRead(void* buffer, std::size_t min, std::size_t max) override;
  // Resolves when something changed: bytes, or the host's end was opened or closed.
  kj::Promise<void> WhenReadable() { return observer_.whenBecomesReadable(); }

  kj::Promise<void> write(const void* buffer, std::size_t size) override;
  // Small pieces go as one buffer: each write to the port is an exit to the host.
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;

  // Resolves when nothing that was written, or is being written in this turn of the loop, is still
  // here.
  kj::Promise<void> WhenFlushed();

  kj::Promise<void> whenWriteDisconnected() override { return kj::NEVER_DONE; }
  void shutdownWrite() override {}
  void abortRead() override {}

 private:
  kj::Promise<std::size_t> Read(kj::byte* buffer, std::size_t min, std::size_t max,
                                std::size_t had);
  kj::Promise<void> Write(const kj::byte* buffer, std::size_t size);
  kj::Promise<void> WritePieces(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces);
  kj::Promise<void> Counted(kj::Promise<void> writing);

  Fd fd_;
  kj::UnixEventPort::FdObserver observer_;
  int writes_ = 0;  // under way
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> flushed_;
};

}  // namespace boxlite

#include "boxlite/agent/guest_port.h"

#include <kj/debug.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace boxlite {

GuestPort::GuestPort(Fd fd, kj::UnixEventPort& event_port)
    : fd_(std::move(fd)),
      observer_(event_port, fd_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ_WRITE) {}

kj::Promise<std::size_t> GuestPort::tryRead(void* buffer, std::size_t min, std::size_t max) {
  return Read(static_cast<kj::byte*>(buffer), min, max, 0);
}

kj::Promise<std::size_t> GuestPort::Read(kj::byte* buffer, std::size_t min, std::size_t max,
                                         std::size_t had) {
  while (had < min) {
    const ssize_t count = ::read(fd_.get(), buffer + had, max - had);
    if (count > 0) {
      had += static_cast<std::size_t>(count);
    } else if (count == 0) {
      break;
    } else if (errno == EAGAIN) {
      return observer_.whenBecomesReadable().then(
          [this, buffer, min, max, had]() { return Read(buffer, min, max, had); });
    } else if (errno != EINTR) {
      return KJ_EXCEPTION(DISCONNECTED, "read from the host's port", strerror(errno));
    }
  }
  return had;
}

kj::Promise<void> GuestPort::write(const void* buffer, std::size_t size) {
  ++writes_;
  return Write(static_cast<const kj::byte*>(buffer), size).attach(kj::defer([this]() {
    if (--writes_ > 0) return;
    KJ_IF_MAYBE (flushed, flushed_) {
      (*flushed)->fulfill();
    }
    flushed_ = nullptr;
  }));
}

kj::Promise<void> GuestPort::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  auto whole = kj::heapArray<kj::byte>(size);
  kj::byte* at = whole.begin();
  for (const auto piece : pieces) {
    std::memcpy(at, piece.begin(), piece.size());
    at += piece.size();
  }
  const kj::byte* begin = whole.begin();
  return write(begin, size).attach(kj::mv(whole));
}

kj::Promise<void> GuestPort::Write(const kj::byte* buffer, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(fd_.get(), buffer, size);
    if (count > 0) {
      buffer += count;
      size -= static_cast<std::size_t>(count);
    } else if (count == 0 || errno == EAGAIN) {
      return observer_.whenBecomesWritable().then(
          [this, buffer, size]() { return Write(buffer, size); });
    } else if (errno != EINTR) {
      return KJ_EXCEPTION(DISCONNECTED, "write to the host's port", strerror(errno));
    }
  }
  return kj::READY_NOW;
}

kj::Promise<void> GuestPort::WhenFlushed() {
  // Last in this turn: an answer that was just given has been handed to write() by then.
  return kj::evalLast([this]() -> kj::Promise<void> {
    if (writes_ == 0) return kj::READY_NOW;
    auto paf = kj::newPromiseAndFulfiller<void>();
    flushed_ = kj::mv(paf.fulfiller);
    return paf.promise.then([this]() { return WhenFlushed(); });
  });
}

}  // namespace boxlite

#include "boxlite/agent/guest_port.h"

#include <kj/debug.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace boxlite {
namespace {

// The driver makes a buffer of the machine's from each write: a short message goes out as one. Of a
// long one the copy would cost more.
constexpr std::size_t kGathered = 4 * 1024;
// The driver gives a page at a time. Within a message that is on its way the next one is waited for
// right here, for so long: a turn of the event loop a page would cost more than the page.
constexpr std::size_t kPage = 4 * 1024;
constexpr int kNextPageMs = 1;

bool NextPageCame(int fd) {
  pollfd poller = {fd, POLLIN, 0};
  return ::poll(&poller, 1, kNextPageMs) > 0 && (poller.revents & POLLIN) != 0;
}

}  // namespace

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
      if (had > 0 && min - had >= kPage && NextPageCame(fd_.get())) continue;
      return observer_.whenBecomesReadable().then(
          [this, buffer, min, max, had]() { return Read(buffer, min, max, had); });
    } else if (errno != EINTR) {
      return KJ_EXCEPTION(DISCONNECTED, "read from the host's port", strerror(errno));
    }
  }
  return had;
}

kj::Promise<void> GuestPort::write(const void* buffer, std::size_t size) {
  return Counted(Write(static_cast<const kj::byte*>(buffer), size));
}

kj::Promise<void> GuestPort::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  if (size > kGathered) return Counted(WritePieces(pieces));
  auto whole = kj::heapArray<kj::byte>(size);
  kj::byte* at = whole.begin();
  for (const auto piece : pieces) {
    std::memcpy(at, piece.begin(), piece.size());
    at += piece.size();
  }
  const kj::byte* begin = whole.begin();
  return Counted(Write(begin, size)).attach(kj::mv(whole));
}

kj::Promise<void> GuestPort::Counted(kj::Promise<void> writing) {
  ++writes_;
  return writing.attach(kj::defer([this]() {
    if (--writes_ > 0) return;
    KJ_IF_MAYBE (flushed, flushed_) {
      (*flushed)->fulfill();
    }
    flushed_ = nullptr;
  }));
}

kj::Promise<void> GuestPort::WritePieces(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  if (pieces.size() == 0) return kj::READY_NOW;
  return Write(pieces[0].begin(), pieces[0].size())
      .then([this, rest = pieces.slice(1, pieces.size())]() { return WritePieces(rest); });
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

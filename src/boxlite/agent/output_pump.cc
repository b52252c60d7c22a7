#include "boxlite/agent/output_pump.h"

#include <capnp/any.h>
#include <kj/debug.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace boxlite {
namespace {

constexpr std::size_t kChunkBytes = kProgramPipeBytes / 2;
// From here on the copy from a buffer into a message costs more than to ask how much waits.
constexpr std::size_t kInPlaceBytes = 16 * 1024;
// Of a message around the chunk, in words.
constexpr std::size_t kEnvelopeWords = 16;
constexpr std::uint16_t kWriteMethod = 0;  // ByteSink.write @0
// What the kernel holds between a terminal's two ends, at most: 64 KiB and the last write's excess
// on the way, 4 KiB that can be read. FIONREAD knows of the latter only.
constexpr std::uint64_t kTerminalHolds = 128 * 1024;

}  // namespace

OutputPump::OutputPump(Fd fd, wire::ByteSink::Client sink, kj::UnixEventPort& event_port,
                       Source source)
    : fd_(std::move(fd)),
      source_(source),
      observer_(event_port, fd_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      sink_(kj::mv(sink)),
      done_(kj::evalLater([this]() { return Pump(); }).fork()) {}

bool OutputPump::Readable() const {
  // poll() of a terminal waits until what is on the way has arrived.
  pollfd poller = {fd_.get(), POLLIN, 0};
  return ::poll(&poller, 1, 0) > 0 && (poller.revents & POLLIN) != 0;
}

std::uint64_t OutputPump::Written() const {
  if (source_ == Source::kTerminal) return taken_ + (Readable() ? kTerminalHolds : 0);
  return taken_ + Waiting();
}

kj::Promise<void> OutputPump::WhenDelivered(std::uint64_t position) {
  if (delivered_ >= position) return kj::READY_NOW;
  if (delivered_ == taken_ && !Readable()) return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  awaited_ = position;
  awaiting_ = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

// A read of a terminal gets 4 KiB at most, however much waits: a message carries several of them.
ssize_t OutputPump::Fill() {
  std::size_t filled = 0;
  for (;;) {
    const ssize_t count = ::read(fd_.get(), buffer_.begin() + filled, buffer_.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return filled > 0 ? static_cast<ssize_t>(filled) : count;
    filled += static_cast<std::size_t>(count);
    if (source_ == Source::kPipe || filled == buffer_.size()) return static_cast<ssize_t>(filled);
  }
}

std::size_t OutputPump::Waiting() const {
  int waiting = 0;
  if (!fd_.valid() || ::ioctl(fd_.get(), FIONREAD, &waiting) != 0) return 0;
  return static_cast<std::size_t>(waiting);
}

kj::Promise<void> OutputPump::PumpInPlace(std::size_t size) {
  auto request = NewWrite(size);
  capnp::Data::Builder bytes = request.initBytes(static_cast<unsigned>(size));
  // Nobody else reads the pipe: all that waited is there.
  const ssize_t count = ::read(fd_.get(), bytes.begin(), size);
  KJ_ASSERT(count == static_cast<ssize_t>(size), "a pipe lost what it had");
  return Sent(kj::mv(request), size).then([this]() { return Pump(); });
}

kj::Promise<void> OutputPump::Pump() {
  if (source_ == Source::kPipe && !sink_gone_) {
    const std::size_t waiting = Waiting();
    if (waiting >= kInPlaceBytes) return PumpInPlace(std::min(waiting, kChunkBytes));
  }
  if (buffer_ == nullptr) buffer_ = kj::heapArray<kj::byte>(kChunkBytes);
  const ssize_t count = Fill();
  if (count > 0) {
    return Deliver(static_cast<std::size_t>(count)).then([this]() { return Pump(); });
  }
  if (count < 0 && errno == EAGAIN) {
    buffer_ = nullptr;  // a quiet program costs no buffer
    TellAwaiting();
    return observer_.whenBecomesReadable().then([this]() { return Pump(); });
  }
  return Finish();  // a terminal's end is EIO
}

OutputPump::Request OutputPump::NewWrite(std::size_t size) {
  return sink_.writeRequest(capnp::MessageSize{size / sizeof(capnp::word) + kEnvelopeWords, 0});
}

kj::Promise<void> OutputPump::Deliver(std::size_t size) {
  if (sink_gone_) {
    taken_ += size;
    CountDelivered(size);
    // One turn of the loop for the others: a program that writes without end to nobody must not
    // keep it.
    return kj::evalLater([]() {});
  }
  auto request = NewWrite(size);
  request.setBytes(buffer_.slice(0, size));
  return Sent(kj::mv(request), size);
}

kj::Promise<void> OutputPump::Sent(Request request, std::size_t size) {
  taken_ += size;
  return request.send().catch_([this](kj::Exception&&) { sink_gone_ = true; }).then([this, size]() {
    CountDelivered(size);
  });
}

void OutputPump::CountDelivered(std::uint64_t size) {
  delivered_ += size;
  if (delivered_ >= awaited_) TellAwaiting();
}

void OutputPump::TellAwaiting() {
  KJ_IF_MAYBE (awaiting, awaiting_) {
    (*awaiting)->fulfill();
  }
  awaiting_ = nullptr;
}

kj::Promise<void> OutputPump::WhenTaken() {
  if (sink_gone_) return kj::READY_NOW;
  // An empty write that is answered, behind all that were not.
  auto request = sink_.typelessRequest(capnp::typeId<wire::ByteSink>(), kWriteMethod,
                                       capnp::MessageSize{kEnvelopeWords, 0});
  request.initAs<wire::ByteSink::WriteParams>();
  return request.send().ignoreResult().catch_([](kj::Exception&&) {});
}

kj::Promise<void> OutputPump::Finish() {
  buffer_ = nullptr;
  TellAwaiting();
  if (sink_gone_) return kj::READY_NOW;
  if (taken_ == 0) {
    // There is nothing that the answer could tell of, and the program's end waits for it.
    sink_.endRequest().send().ignoreResult().detach([](kj::Exception&&) {});
    return kj::READY_NOW;
  }
  return sink_.endRequest().send().ignoreResult().catch_([](kj::Exception&&) {});
}

}  // namespace boxlite

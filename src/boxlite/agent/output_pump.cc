#include "boxlite/agent/output_pump.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace boxlite {
namespace {

// A pipe's own capacity: no read gets more.
constexpr std::size_t kChunkBytes = 64 * 1024;
// Of a message around the chunk, in words.
constexpr std::size_t kEnvelopeWords = 16;

}  // namespace

OutputPump::OutputPump(Fd pipe, wire::ByteSink::Client sink, kj::UnixEventPort& event_port)
    : pipe_(std::move(pipe)),
      observer_(event_port, pipe_.get(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      sink_(kj::mv(sink)),
      done_(kj::evalLater([this]() { return Pump(); }).fork()) {}

std::uint64_t OutputPump::Written() const {
  int waiting = 0;
  if (!pipe_.valid() || ::ioctl(pipe_.get(), FIONREAD, &waiting) != 0) waiting = 0;
  return taken_ + static_cast<std::uint64_t>(waiting);
}

kj::Promise<void> OutputPump::WhenDelivered(std::uint64_t position) {
  if (delivered_ >= position) return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  awaited_ = position;
  awaiting_ = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

kj::Promise<void> OutputPump::Pump() {
  if (buffer_ == nullptr) buffer_ = kj::heapArray<kj::byte>(kChunkBytes);
  ssize_t count;
  do {
    count = ::read(pipe_.get(), buffer_.begin(), buffer_.size());
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    return Deliver(static_cast<std::size_t>(count)).then([this]() { return Pump(); });
  }
  if (count < 0 && errno == EAGAIN) {
    buffer_ = nullptr;  // a quiet program costs no buffer
    return observer_.whenBecomesReadable().then([this]() { return Pump(); });
  }
  return Finish();
}

kj::Promise<void> OutputPump::Deliver(std::size_t size) {
  taken_ += size;
  if (sink_gone_) {
    CountDelivered(size);
    // One turn of the loop for the others: a program that writes without end to nobody must not
    // keep it.
    return kj::evalLater([]() {});
  }
  auto request =
      sink_.writeRequest(capnp::MessageSize{size / sizeof(capnp::word) + kEnvelopeWords, 0});
  request.setBytes(buffer_.slice(0, size));
  return request.send().catch_([this](kj::Exception&&) { sink_gone_ = true; }).then([this, size]() {
    CountDelivered(size);
  });
}

void OutputPump::CountDelivered(std::uint64_t size) {
  delivered_ += size;
  if (delivered_ < awaited_) return;
  KJ_IF_MAYBE (awaiting, awaiting_) {
    (*awaiting)->fulfill();
  }
  awaiting_ = nullptr;
}

kj::Promise<void> OutputPump::Finish() {
  buffer_ = nullptr;
  if (sink_gone_) return kj::READY_NOW;
  return sink_.endRequest().send().ignoreResult().catch_([](kj::Exception&&) {});
}

}  // namespace boxlite

#include "boxlite/shim/exec_stream.h"

#include <capnp/any.h>
#include <kj/debug.h>

#include <algorithm>

#include "boxlite/shim/sinks.h"

namespace boxlite {
namespace {

static_assert(kMaxChunk <= kExecRingBytes, "a chunk of the guest's fits into an empty ring");

// A call to a reader. Half the contract's limit: two fit into a socket's buffers.
constexpr std::size_t kReadChunk = 128 * 1024;
constexpr std::uint64_t kEnvelopeWords = 16;
// What a stream without a reader gets when the shim's memory for rings is used up.
constexpr std::size_t kLeastRing = 16 * 1024;
constexpr std::uint16_t kWriteMethod = 0;  // ByteSink.write @0

// The same call as writeRequest(), but answered: a streaming call returns as soon as it is in the
// window, and only a confirmed byte may be forgotten.
kj::Promise<void> WriteConfirmed(wire::ByteSink::Client& sink, kj::ArrayPtr<const kj::byte> bytes) {
  auto request = sink.typelessRequest(
      capnp::typeId<wire::ByteSink>(), kWriteMethod,
      capnp::MessageSize{bytes.size() / sizeof(capnp::word) + kEnvelopeWords, 0});
  request.initAs<wire::ByteSink::WriteParams>().setBytes(bytes);
  return request.send().ignoreResult();
}

}  // namespace

bool KeptBytes::MakeRoomFor(std::size_t more) {
  if (more == 0 || !over(more)) return true;
  wanted_ = more;
  make_room_();
  return !over(more);
}

ExecStream::~ExecStream() noexcept(false) {
  reader_ = nullptr;
  kept_.Changed(ring_.allocated(), 0);
}

bool ExecStream::MayAppend(std::size_t count) {
  if (!Reading()) return true;
  const std::uint64_t owed = ring_.end() - reader_->taken;
  // One chunk always fits: a reader that has everything must be able to get more.
  if (owed == 0) return true;
  if (owed + count > ring_.capacity()) return false;
  return kept_.MakeRoomFor(ring_.GrowthFor(count));
}

void ExecStream::Append(kj::ArrayPtr<const kj::byte> bytes) {
  const bool fits = Reading() || kept_.MakeRoomFor(ring_.GrowthFor(bytes.size()));
  // Read only now: room may have been made in this very ring.
  const std::size_t before = ring_.allocated();
  if (!fits && before >= kLeastRing) {
    ring_.AppendWithoutGrowing(bytes);
    return;
  }
  ring_.Append(bytes);
  kept_.Changed(before, ring_.allocated());
}

kj::Promise<void> ExecStream::Take(kj::ArrayPtr<const kj::byte> bytes) {
  if (closed_) return KJ_EXCEPTION(DISCONNECTED, "the exec has ended");
  if (!MayAppend(bytes.size())) {
    KJ_REQUIRE(guest_waits_ == nullptr, "the guest did not wait for the answer to a write");
    auto pair = kj::newPromiseAndFulfiller<void>();
    guest_waits_ = kj::mv(pair.fulfiller);
    return pair.promise.then([this, bytes]() { return Take(bytes); });
  }
  Append(bytes);
  if (reader_.get() != nullptr) {
    KJ_IF_MAYBE (more, reader_->more) {
      (*more)->fulfill();
    }
  }
  return kj::READY_NOW;
}

void ExecStream::LetGuestGoOn() {
  KJ_IF_MAYBE (waiting, guest_waits_) {
    kj::Own<kj::PromiseFulfiller<void>> fulfiller = kj::mv(*waiting);
    guest_waits_ = nullptr;
    fulfiller->fulfill();
  }
}

void ExecStream::Close() {
  closed_ = true;
  LetGuestGoOn();
  if (reader_.get() != nullptr) {
    KJ_IF_MAYBE (more, reader_->more) {
      (*more)->fulfill();
    }
  }
}

kj::Promise<void> ExecStream::Attach(std::uint64_t offset, wire::ByteSink::Client sink) {
  KJ_REQUIRE(reader_.get() == nullptr);
  reader_ = kj::heap<Reader>(kj::mv(sink));
  Reader& reader = *reader_;
  reader.taken = offset;
  auto pair = kj::newPromiseAndFulfiller<void>();
  reader.delivered = kj::mv(pair.fulfiller);
  reader.pumping = kj::evalLater([this, &reader]() { return Pump(reader); })
                       .then([this, &reader]() { Finish(reader); },
                             // A reader that is gone, or refuses: the program must not feel it.
                             [this, &reader](kj::Exception&&) { Finish(reader); })
                       .eagerlyEvaluate(nullptr);
  return kj::mv(pair.promise);
}

void ExecStream::Finish(Reader& reader) {
  reader.done = true;
  reader.delivered->fulfill();
  LetGuestGoOn();
}

kj::Promise<void> ExecStream::Pump(Reader& reader) {
  if (reader.taken < ring_.end())
    return SendNext(reader).then([this, &reader]() { return Pump(reader); });
  if (closed_) return reader.sink.endRequest().send().ignoreResult();
  auto pair = kj::newPromiseAndFulfiller<void>();
  reader.more = kj::mv(pair.fulfiller);
  return pair.promise.then([this, &reader]() {
    reader.more = nullptr;
    return Pump(reader);
  });
}

kj::Promise<void> ExecStream::SendNext(Reader& reader) {
  kj::ArrayPtr<const kj::byte> bytes = ring_.Peek(reader.taken);
  bytes = bytes.slice(0, std::min(bytes.size(), kReadChunk));
  return WriteConfirmed(reader.sink, bytes).then([this, &reader, count = bytes.size()]() {
    reader.taken += count;
    LetGuestGoOn();
  });
}

void ExecStream::Release() {
  reader_ = nullptr;
  LetGuestGoOn();
}

void ExecStream::DropHistory() {
  const std::size_t before = ring_.allocated();
  ring_.DropBefore(Reading() ? reader_->taken : ring_.end());
  kept_.Changed(before, ring_.allocated());
}

}  // namespace boxlite

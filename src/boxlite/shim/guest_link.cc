#include "boxlite/shim/guest_link.h"

#include <kj/debug.h>
#include <sys/random.h>

#include <string>

#include "boxlite/rpc/session_stream.h"

namespace boxlite {
namespace {

// Reads of the guest's messages while a message to it is stuck in the port. Each may make an
// answer, which then waits in our memory: a guest that asks without reading would fill it. An
// honest one reads always.
constexpr int kMaxReadsDuringWrite = 4096;

// The session, with reads that wait while a write is stuck.
class BoundedStream final : public kj::AsyncIoStream {
 public:
  explicit BoundedStream(kj::Own<kj::AsyncIoStream> session) : session_(kj::mv(session)) {}

  kj::Promise<std::size_t> tryRead(void* buffer, std::size_t min, std::size_t max) override {
    if (writes_ > 0 && ++reads_during_write_ > kMaxReadsDuringWrite) {
      auto written = kj::newPromiseAndFulfiller<void>();
      written_ = kj::mv(written.fulfiller);
      return written.promise.then([this, buffer, min, max]() { return tryRead(buffer, min, max); });
    }
    return session_->tryRead(buffer, min, max);
  }
  kj::Promise<void> write(const void* buffer, std::size_t size) override {
    return Watched(session_->write(buffer, size));
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return Watched(session_->write(pieces));
  }
  kj::Promise<void> whenWriteDisconnected() override { return session_->whenWriteDisconnected(); }
  void shutdownWrite() override { session_->shutdownWrite(); }

 private:
  kj::Promise<void> Watched(kj::Promise<void> writing) {
    ++writes_;
    return writing.attach(kj::defer([this]() {
      if (--writes_ > 0) return;
      reads_during_write_ = 0;
      if (written_.get() != nullptr)
        kj::Own<kj::PromiseFulfiller<void>>(kj::mv(written_))->fulfill();
    }));
  }

  kj::Own<kj::AsyncIoStream> session_;
  int writes_ = 0;
  int reads_during_write_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> written_;
};

class Greeter {
 public:
  explicit Greeter(kj::AsyncIoStream& port) : port_(port), scanner_(MakeScanner()) {}

  kj::Promise<kj::Own<GuestLink>> Run() {
    const GreetingBytes hello =
        EncodeGreeting(GreetingKind::kHello, Greeting{kAgentProtocolVersion, nonce_});
    auto bytes = kj::heapArray<kj::byte>(hello.data(), hello.size());
    const auto all = bytes.asPtr();
    return port_.write(all.begin(), all.size()).attach(kj::mv(bytes)).then([this]() {
      return Listen();
    });
  }

 private:
  GreetingScanner MakeScanner() {
    KJ_SYSCALL(::getrandom(nonce_.data(), nonce_.size(), 0));
    return GreetingScanner(GreetingKind::kAck, nonce_);
  }

  kj::Promise<kj::Own<GuestLink>> Listen() {
    return port_.tryRead(buffer_, 1, sizeof buffer_)
        .then([this](std::size_t count) -> kj::Promise<kj::Own<GuestLink>> {
          if (count == 0) return KJ_EXCEPTION(DISCONNECTED, "the guest's port closed");
          Result<std::optional<GreetingScanner::Found>> fed = scanner_.Feed({buffer_, count});
          if (!fed.ok()) return KJ_EXCEPTION(FAILED, fed.error().message().c_str());
          if (!fed->has_value()) return Listen();
          const GreetingScanner::Found& found = **fed;
          if (found.greeting.version != kAgentProtocolVersion) {
            return KJ_EXCEPTION(FAILED, "the guest's agent speaks another protocol version",
                                found.greeting.version);
          }
          auto rest = kj::heapArray<kj::byte>(buffer_ + found.consumed, count - found.consumed);
          return kj::heap<GuestLink>(
              kj::heap<BoundedStream>(kj::heap<SessionStream>(port_, kj::mv(rest))));
        });
  }

  kj::AsyncIoStream& port_;
  SessionNonce nonce_ = {};
  GreetingScanner scanner_;
  std::uint8_t buffer_[16384];
};

}  // namespace

capnp::ReaderOptions GuestLink::Limits() {
  capnp::ReaderOptions limits;
  limits.traversalLimitInWords = kGuestMessageWords;
  limits.nestingLimit = kGuestNestingLimit;
  return limits;
}

GuestLink::GuestLink(kj::Own<kj::AsyncIoStream> session)
    : session_(kj::mv(session)),
      network_(*session_, capnp::rpc::twoparty::Side::CLIENT, Limits()),
      rpc_(capnp::makeRpcClient(network_)),
      agent_([this]() {
        rpc_.setFlowLimit(kGuestFlowLimitWords);
        capnp::MallocMessageBuilder message;
        auto server = message.initRoot<capnp::rpc::twoparty::VatId>();
        server.setSide(capnp::rpc::twoparty::Side::SERVER);
        return rpc_.bootstrap(server).castAs<wire::Agent>();
      }()) {}

kj::Promise<kj::Own<GuestLink>> GuestLink::Open(kj::AsyncIoStream& port) {
  auto greeter = kj::heap<Greeter>(port);
  // A port that is broken already throws from the first write: that is a rejection too.
  kj::Promise<kj::Own<GuestLink>> greeting = kj::evalNow([&greeter]() { return greeter->Run(); });
  return greeting.attach(kj::mv(greeter));
}

}  // namespace boxlite

#include "boxlite/agent/session.h"

#include <capnp/rpc.h>
#include <kj/debug.h>

#include "boxlite/agent/console.h"
#include "boxlite/rpc/serial_handshake.h"
#include "boxlite/rpc/session_stream.h"

namespace boxlite {
namespace {

// A call of the host's: a program's arguments and environment (2 MiB in the kernel's own limit), or
// a chunk of input.
constexpr std::uint64_t kHostMessageWords = (4 * 1024 * 1024) / sizeof(capnp::word);
constexpr int kHostNestingLimit = 16;

class Session {
 public:
  Session(kj::Own<kj::AsyncIoStream> stream, wire::Agent::Client agent)
      : stream_(kj::mv(stream)),
        network_(*stream_, capnp::rpc::twoparty::Side::SERVER, Limits()),
        rpc_(capnp::makeRpcServer(network_, kj::mv(agent))) {}

  kj::Promise<void> WhenClosed() { return network_.onDisconnect(); }

 private:
  static capnp::ReaderOptions Limits() {
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = kHostMessageWords;
    limits.nestingLimit = kHostNestingLimit;
    return limits;
  }

  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

class SessionServer {
 public:
  SessionServer(GuestPort& port, wire::Agent::Client agent, std::function<void()> after_greeting)
      : port_(port), agent_(kj::mv(agent)), after_greeting_(std::move(after_greeting)) {}

  kj::Promise<void> Run() {
    return Listen()
        .then([this](kj::Array<kj::byte> rest) { return Serve(kj::mv(rest)); })
        .then([this]() { return Run(); });
  }

 private:
  // Resolves with what came after the host's greeting.
  kj::Promise<kj::Array<kj::byte>> Listen() {
    return port_.tryRead(buffer_, 1, sizeof buffer_)
        .then([this](std::size_t count) -> kj::Promise<kj::Array<kj::byte>> {
          if (count == 0) {
            // The host's end is closed. Its opening is an event.
            return port_.WhenReadable().then([this]() { return Listen(); });
          }
          std::span<const std::uint8_t> bytes(buffer_, count);
          if (!Scan(bytes)) return Listen();
          return kj::heapArray<kj::byte>(bytes.data(), bytes.size());
        });
  }

  // The last greeting among `bytes` counts: earlier ones are what an earlier host left. Leaves in
  // `bytes` what follows it.
  bool Scan(std::span<const std::uint8_t>& bytes) {
    bool found = false;
    for (;;) {
      Result<std::optional<GreetingScanner::Found>> fed = scanner_.Feed(bytes);
      if (!fed.ok()) {
        Say(fed.error().message());
        scanner_ = GreetingScanner(GreetingKind::kHello);
        return found;
      }
      if (!fed->has_value()) return found;
      scanner_ = GreetingScanner(GreetingKind::kHello);
      greeting_ = (*fed)->greeting;
      bytes = bytes.subspan((*fed)->consumed);
      found = true;
    }
  }

  kj::Promise<void> Serve(kj::Array<kj::byte> rest) {
    // A host of another version is told ours, and hangs up or not.
    const GreetingBytes bytes =
        EncodeGreeting(GreetingKind::kAck, Greeting{kAgentProtocolVersion, greeting_.nonce});
    auto ack = kj::heapArray<kj::byte>(bytes.data(), bytes.size());
    const auto all = ack.asPtr();
    return port_.write(all.begin(), all.size())
        .attach(kj::mv(ack))
        .then([this, rest = kj::mv(rest)]() mutable {
          Say("greeted");
          if (after_greeting_) std::exchange(after_greeting_, nullptr)();
          auto session = kj::heap<Session>(kj::heap<SessionStream>(port_, kj::mv(rest)), agent_);
          kj::Promise<void> closed = session->WhenClosed();
          return closed.attach(kj::mv(session));
        })
        .then([]() { Say("the host went away"); },
              [](kj::Exception&& exception) { Say(exception.getDescription().cStr()); });
  }

  GuestPort& port_;
  wire::Agent::Client agent_;
  std::function<void()> after_greeting_;
  GreetingScanner scanner_{GreetingKind::kHello};
  Greeting greeting_;
  std::uint8_t buffer_[16 * 1024];
};

}  // namespace

kj::Promise<void> ServeSessions(GuestPort& port, wire::Agent::Client agent,
                                std::function<void()> after_first_greeting) {
  auto server = kj::heap<SessionServer>(port, kj::mv(agent), std::move(after_first_greeting));
  kj::Promise<void> running = server->Run();
  return running.attach(kj::mv(server));
}

}  // namespace boxlite

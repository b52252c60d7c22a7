// A whole session of the shim with a guest that says the input's bytes behind its greeting:
// personality, root, main with both its outputs, an exec, the end.
#include <kj/async-io.h>
#include <kj/exception.h>
#include <kj/vector.h>

#include <cstddef>
#include <cstdint>

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/shim/exec_stream.h"
#include "boxlite/shim/guest_link.h"
#include "boxlite/shim/sinks.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxInput = 256 * 1024;

class DiscardingSink final : public wire::ByteSink::Server {
 public:
  kj::Promise<void> write(WriteContext context) override {
    BOXLITE_CHECK(context.getParams().getBytes().size() <= kMaxChunk);
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }
};

// An exec's stream with a client of the box at its other end.
struct Stream : kj::Refcounted {
  KeptBytes kept{kExecRingBytes, []() {}};
  ExecStream stream{kept};
  kj::Promise<void> delivered =
      stream.Attach(0, kj::heap<DiscardingSink>()).eagerlyEvaluate([](kj::Exception&&) {});
};

wire::ByteSink::Client Sink() {
  kj::Own<Stream> owner = kj::refcounted<Stream>();
  ExecStream& stream = owner->stream;
  return NewStreamSink(kj::mv(owner), stream);
}

template <typename T>
kj::Promise<void> Watch(capnp::RemotePromise<T>&& call) {
  // What the shim does with each answer: the error is read, and nothing else is believed.
  return call.then(
      [](capnp::Response<T>&& answer) { static_cast<void>(FromWire(answer.getError()).ok()); },
      [](kj::Exception&& exception) { static_cast<void>(FromException(exception).message()); });
}

kj::Promise<void> Start(wire::Agent::Client& agent, wire::Agent::Role role, kj::StringPtr id) {
  auto start = agent.startRequest();
  start.setRole(role);
  start.setId(id);
  start.initSpec().initArgv(1).set(0, AsBytes("/bin/true"));
  start.setStdout(Sink());
  start.setStderr(Sink());
  return start.send().then(
      [](capnp::Response<wire::Agent::StartResults>&& answer) -> kj::Promise<void> {
        if (!FromWire(answer.getError()).ok()) return kj::READY_NOW;
        auto process = answer.getProcess();
        auto signal = process.signalRequest();
        signal.setNumber(15);
        auto input = process.stdinRequest().send().getSink().writeRequest();
        input.setBytes(AsBytes("input"));
        auto all = kj::Vector<kj::Promise<void>>();
        all.add(Watch(signal.send()));
        all.add(input.send().catch_([](kj::Exception&&) {}));
        all.add(process.waitRequest().send().then(
            [](auto&& ended) { static_cast<void>(ended.getExit().isSignal()); },
            [](kj::Exception&&) {}));
        return kj::joinPromises(all.releaseAsArray());
      },
      [](kj::Exception&&) -> kj::Promise<void> { return kj::READY_NOW; });
}

void Fuzz(kj::ArrayPtr<const kj::byte> bytes) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
  kj::AsyncIoStream& guest = *pipe.ends[1];

  kj::Promise<kj::Own<GuestLink>> opening = GuestLink::Open(*pipe.ends[0]);
  GreetingBytes hello;
  guest.read(hello.data(), hello.size()).wait(scope);
  GreetingScanner scanner(GreetingKind::kHello);
  const GreetingBytes ack = EncodeGreeting(GreetingKind::kAck, (**scanner.Feed(hello)).greeting);
  guest.write(ack.data(), ack.size()).wait(scope);
  kj::Own<GuestLink> link = opening.wait(scope);

  kj::Promise<void> draining =
      guest.readAllBytes().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  auto calls = kj::Vector<kj::Promise<void>>();
  calls.add(Watch(link->agent().personaliseRequest().send()));
  calls.add(Watch(link->agent().mountRootRequest().send()));
  calls.add(Start(link->agent(), wire::Agent::Role::MAIN, "main"));
  calls.add(Start(link->agent(), wire::Agent::Role::EXEC, "exec-1"));
  calls.add(Watch(link->agent().shutdownRequest().send()));
  kj::Promise<void> all =
      kj::joinPromises(calls.releaseAsArray()).eagerlyEvaluate([](kj::Exception&&) {});
  kj::Promise<void> saying =
      guest.write(bytes.begin(), bytes.size()).eagerlyEvaluate([](kj::Exception&&) {});
  saying.poll(scope);
  all.poll(scope);
  link = nullptr;
  all.poll(scope);
}

}  // namespace
}  // namespace boxlite

// Not instrumented: AddressSanitizer may move locals of a frame off the stack, and kj insists that
// its callback is on it.
extern "C" __attribute__((no_sanitize("address"))) int LLVMFuzzerTestOneInput(
    const std::uint8_t* data, std::size_t size) {
  // kj tells what a peer did wrong; a million times a minute that is noise.
  struct Quiet final : kj::ExceptionCallback {
    void logMessage(kj::LogSeverity, const char*, int, int, kj::String&&) override {}
  } quiet;
  if (size <= boxlite::kMaxInput) boxlite::Fuzz(kj::arrayPtr(data, size));
  return 0;
}

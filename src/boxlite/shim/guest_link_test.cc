// The shim against hostile guests, over a pipe in memory.
#include "boxlite/shim/guest_link.h"

#include <capnp/message.h>
#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.capnp.h>
#include <capnp/serialize-async.h>
#include <capnp/serialize.h>

#include <cstring>
#include <memory>

#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

using testing::HasSubstr;

struct Wire {
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
};

class GuestLinkTest : public testing::Test {
 protected:
  kj::AsyncIoStream& port() { return *wire_->pipe.ends[0]; }
  kj::AsyncIoStream& guest() { return *wire_->pipe.ends[1]; }
  kj::WaitScope& scope() { return wire_->scope; }

  // What the shim greets with.
  Greeting Hello() {
    GreetingBytes bytes;
    guest().read(bytes.data(), bytes.size()).wait(scope());
    GreetingScanner scanner(GreetingKind::kHello);
    auto found = scanner.Feed(bytes);
    BOXLITE_CHECK(found.ok() && found->has_value());
    return (*found)->greeting;
  }
  kj::Promise<void> Say(const std::string& bytes) {
    auto copy = kj::heapArray<kj::byte>(AsBytes(bytes));
    auto all = copy.asPtr();
    return guest().write(all.begin(), all.size()).attach(kj::mv(copy));
  }
  static std::string Ack(const Greeting& hello) {
    const GreetingBytes bytes = EncodeGreeting(GreetingKind::kAck, hello);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  // A link whose handshake went well; what follows is the guest's to say.
  kj::Own<GuestLink> Open() {
    kj::Promise<kj::Own<GuestLink>> opening = GuestLink::Open(port());
    Say(Ack(Hello())).wait(scope());
    return opening.wait(scope());
  }
  std::string OpeningFails(const std::string& answer, bool then_close = false) {
    kj::Promise<std::string> failure = GuestLink::Open(port()).then(
        [](kj::Own<GuestLink>&&) { return std::string("it opened"); },
        [](kj::Exception&& exception) { return std::string(exception.getDescription().cStr()); });
    Hello();
    kj::Promise<void> saying = Say(answer).eagerlyEvaluate([](kj::Exception&&) {});
    saying.poll(scope());
    if (then_close) {
      saying = nullptr;
      wire_->pipe.ends[1] = nullptr;
    }
    return failure.wait(scope());
  }
  // Lets the shim send its bootstrap, then has the guest say `bytes`; the session must end, typed.
  void SessionEndsAfter(const std::string& bytes) {
    kj::Own<GuestLink> link = Open();
    kj::Promise<void> call = link->agent().pingRequest().send().ignoreResult();
    kj::Promise<bool> failed =
        call.then([]() { return false; }, [](kj::Exception&&) { return true; });
    kj::Promise<void> draining =
        guest().readAllBytes().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
    kj::Promise<void> saying = Say(bytes).eagerlyEvaluate([](kj::Exception&&) {});
    EXPECT_TRUE(failed.wait(scope()));
    link->WhenClosed().wait(scope());
  }
  static std::string Encode(capnp::MessageBuilder& message) {
    kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
    const auto bytes = words.asBytes();
    return std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  }

  std::unique_ptr<Wire> wire_ = std::make_unique<Wire>();
};

class PingAgent final : public wire::Agent::Server {
 public:
  kj::Promise<void> ping(PingContext) override { return kj::READY_NOW; }
};

TEST_F(GuestLinkTest, OpensBehindLeftoversAndCarriesTheBytesReadBeyondTheGreeting) {
  kj::Promise<kj::Own<GuestLink>> opening = GuestLink::Open(port());
  const Greeting hello = Hello();
  EXPECT_EQ(hello.version, kAgentProtocolVersion);
  Greeting earlier = hello;
  earlier.nonce[0] ^= 1;
  // One write: the shim reads leftovers, both greetings and a byte of the session at once.
  Say(std::string(5000, '\xB0') + Ack(earlier) + Ack(hello)).wait(scope());
  kj::Own<GuestLink> link = opening.wait(scope());
  capnp::TwoPartyVatNetwork network(guest(), capnp::rpc::twoparty::Side::SERVER);
  auto server = capnp::makeRpcServer(network, kj::heap<PingAgent>());
  link->agent().pingRequest().send().wait(scope());
}

TEST_F(GuestLinkTest, AnotherProtocolVersionIsToldAsThat) {
  kj::Promise<std::string> failure = GuestLink::Open(port()).then(
      [](kj::Own<GuestLink>&&) { return std::string("it opened"); },
      [](kj::Exception&& exception) { return std::string(exception.getDescription().cStr()); });
  Greeting other = Hello();
  other.version += 1;
  Say(Ack(other)).wait(scope());
  EXPECT_THAT(failure.wait(scope()), HasSubstr("another protocol version"));
}

TEST_F(GuestLinkTest, APortThatClosesIsToldAsThat) {
  EXPECT_THAT(OpeningFails("", true), HasSubstr("the guest's port closed"));
}

TEST_F(GuestLinkTest, EndlessGarbageIsGivenUp) {
  EXPECT_THAT(OpeningFails(std::string(kMaxDiscardedBytes + 100'000, 'x')),
              HasSubstr("no greeting"));
}

TEST_F(GuestLinkTest, AnEchoOfOurHelloIsNoAnswer) {
  kj::Promise<kj::Own<GuestLink>> opening = GuestLink::Open(port());
  const GreetingBytes hello = EncodeGreeting(GreetingKind::kHello, Hello());
  Say(std::string(reinterpret_cast<const char*>(hello.data()), hello.size())).wait(scope());
  EXPECT_FALSE(opening.poll(scope()));
}

TEST_F(GuestLinkTest, AnOpeningMayBeCancelledAtAnyTime) {
  {
    kj::Promise<kj::Own<GuestLink>> opening = GuestLink::Open(port());
    EXPECT_FALSE(opening.poll(scope()));
  }
  EXPECT_EQ(OpeningFails("", true), "the guest's port closed");
}

TEST_F(GuestLinkTest, ACallToAGuestThatClosesFails) {
  kj::Own<GuestLink> link = Open();
  kj::Promise<void> call = link->agent().pingRequest().send().ignoreResult();
  wire_->pipe.ends[1] = nullptr;
  EXPECT_TRUE(
      call.then([]() { return false; }, [](kj::Exception&&) { return true; }).wait(scope()));
  link->WhenClosed().wait(scope());
}

TEST_F(GuestLinkTest, GarbageEndsTheSession) { SessionEndsAfter(std::string(64, '\xff')); }

TEST_F(GuestLinkTest, AMessageThatClaimsToBeHugeEndsTheSessionBeforeItIsAllocated) {
  // One segment of 2^31 words: 16 GiB.
  SessionEndsAfter(std::string("\0\0\0\0\0\0\0\x80", 8) + std::string(64, 'x'));
}

TEST_F(GuestLinkTest, AMessageBeyondTheLimitEndsTheSession) {
  const std::uint32_t words = kGuestMessageWords + 1;
  std::string header(4, '\0');
  for (int i = 0; i < 4; ++i) header.push_back(static_cast<char>(words >> (8 * i)));
  SessionEndsAfter(header + std::string(std::size_t{words} * 8, '\0'));
}

TEST_F(GuestLinkTest, ThousandsOfSegmentsEndTheSession) {
  SessionEndsAfter(std::string("\xff\xff\xff\x7f", 4) + std::string(1 << 16, '\0'));
}

TEST_F(GuestLinkTest, AReturnToAQuestionNeverAskedEndsTheSession) {
  capnp::MallocMessageBuilder message;
  auto answer = message.initRoot<capnp::rpc::Message>().initReturn();
  answer.setAnswerId(4711);
  answer.initResults();
  SessionEndsAfter(Encode(message));
}

TEST_F(GuestLinkTest, ABootstrapThatIsNoCapabilityFailsTheCallsBehindIt) {
  // The guest's answer to the bootstrap is a chain of 100 structs, deeper than anything we read.
  kj::Own<GuestLink> link = Open();
  kj::Promise<void> call = link->agent().pingRequest().send().ignoreResult();
  capnp::MallocMessageBuilder message;
  auto answer = message.initRoot<capnp::rpc::Message>().initReturn();
  answer.setAnswerId(0);
  auto level = answer.initResults().initContent().initAsAnyStruct(0, 1);
  for (int i = 0; i < 100; ++i) level = level.getPointerSection()[0].initAsAnyStruct(0, 1);
  Say(Encode(message)).wait(scope());
  EXPECT_FALSE(call.poll(scope())) << "the call itself is still to be answered";
  EXPECT_TRUE(link->agent()
                  .pingRequest()
                  .send()
                  .ignoreResult()
                  .then([]() { return false; }, [](kj::Exception&&) { return true; })
                  .wait(scope()));
}

TEST_F(GuestLinkTest, AGuestThatNeverAnswersHoldsNothingButItsCall) {
  kj::Own<GuestLink> link = Open();
  kj::Promise<void> call = link->agent().pingRequest().send().ignoreResult();
  EXPECT_FALSE(call.poll(scope()));
  link = nullptr;
  EXPECT_TRUE(
      call.then([]() { return false; }, [](kj::Exception&&) { return true; }).wait(scope()));
}

TEST_F(GuestLinkTest, AGuestThatAsksWithoutReadingTheAnswersIsNotBufferedForEver) {
  // Each question makes an answer that waits in the shim's memory until the guest reads it.
  constexpr std::uint32_t kMany = 20'000;
  kj::Own<GuestLink> link = Open();
  const auto ask = [this](std::uint32_t question) {
    capnp::MallocMessageBuilder message;
    message.initRoot<capnp::rpc::Message>().initBootstrap().setQuestionId(question);
    return Say(Encode(message));
  };
  std::uint32_t taken = 0;
  kj::Promise<void> stuck = ask(taken);
  while (stuck.poll(scope()) && ++taken < kMany) stuck = ask(taken);
  EXPECT_LT(taken, kMany / 2);
  // Once it reads, the session goes on.
  kj::Promise<void> draining =
      guest().readAllBytes().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  stuck.wait(scope());
  for (int i = 0; i < 100; ++i) ask(++taken).wait(scope());
}

TEST_F(GuestLinkTest, CarriesManyCallsToAnHonestGuest) {
  kj::Own<GuestLink> link = Open();
  capnp::TwoPartyVatNetwork network(guest(), capnp::rpc::twoparty::Side::SERVER);
  auto server = capnp::makeRpcServer(network, kj::heap<PingAgent>());
  for (int i = 0; i < 100; ++i) link->agent().pingRequest().send().wait(scope());
}

}  // namespace
}  // namespace boxlite

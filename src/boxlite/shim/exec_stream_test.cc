#include "boxlite/shim/exec_stream.h"

#include <kj/refcount.h>

#include <string>

#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::size_t kRing = 4096;

// A client that may hold its answers back, or fail.
struct Client {
  std::string got;
  bool ended = false;
  bool fails = false;
  bool hold = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> held;
  void LetGo() {
    hold = false;
    KJ_IF_MAYBE (fulfiller, held) (*fulfiller)->fulfill();
    held = nullptr;
  }
};

class ClientSink final : public wire::ByteSink::Server {
 public:
  explicit ClientSink(Client& client) : client_(client) {}
  kj::Promise<void> write(WriteContext context) override {
    if (client_.fails) return KJ_EXCEPTION(DISCONNECTED, "gone");
    client_.got += AsText(context.getParams().getBytes());
    if (!client_.hold) return kj::READY_NOW;
    auto pair = kj::newPromiseAndFulfiller<void>();
    client_.held = kj::mv(pair.fulfiller);
    return kj::mv(pair.promise);
  }
  kj::Promise<void> end(EndContext) override {
    client_.ended = true;
    return kj::READY_NOW;
  }

 private:
  Client& client_;
};

class ExecStreamTest : public testing::Test {
 public:
  ~ExecStreamTest() noexcept override = default;  // kj's members may throw; gtest's may not

 protected:
  kj::Promise<void> Take(const std::string& bytes) { return stream_.Take(AsBytes(bytes)); }
  kj::Promise<void> Attach(Client& client, std::uint64_t from = 0) {
    return stream_.Attach(from, kj::heap<ClientSink>(client)).eagerlyEvaluate(nullptr);
  }
  void Turn() {
    kj::Promise<void>(kj::evalLast([]() {})).wait(scope_);
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  KeptBytes kept_{64 * 1024, []() {}};
  ExecStream stream_{kept_, kRing};
};

TEST_F(ExecStreamTest, WithoutAReaderTheOldestGoAndNobodyWaits) {
  for (int i = 0; i < 10; ++i) {
    const std::string part(1000, static_cast<char>('a' + i));
    EXPECT_TRUE(Take(part).poll(scope_));
  }
  EXPECT_EQ(stream_.end(), 10'000u);
  EXPECT_EQ(stream_.begin(), 10'000u - kRing);
}

TEST_F(ExecStreamTest, AReaderGetsEverythingAndTheEnd) {
  Client client;
  const std::string early = "early ";
  Take(early).wait(scope_);
  kj::Promise<void> delivered = Attach(client);
  const std::string late = "late";
  Take(late).wait(scope_);
  EXPECT_FALSE(delivered.poll(scope_));
  stream_.Close();
  delivered.wait(scope_);
  EXPECT_EQ(client.got, "early late");
  EXPECT_TRUE(client.ended);
}

TEST_F(ExecStreamTest, ASlowReaderHoldsTheGuestBackAndLosesNothing) {
  Client client;
  client.hold = true;
  kj::Promise<void> delivered = Attach(client);
  std::string all;
  std::vector<std::string> parts;
  for (int i = 0; i < 12; ++i) parts.emplace_back(1000, static_cast<char>('a' + i));
  std::size_t taken = 0;
  kj::Promise<void> taking = kj::READY_NOW;
  while (taken < parts.size()) {
    taking = stream_.Take(AsBytes(parts[taken])).eagerlyEvaluate(nullptr);
    if (!taking.poll(scope_)) break;
    ++taken;
  }
  EXPECT_EQ(taken, 4u) << "as much as the ring holds, and no more";
  EXPECT_LE(kept_.used(), kRing);
  client.LetGo();
  taking.wait(scope_);
  for (std::size_t i = taken + 1; i < parts.size(); ++i)
    stream_.Take(AsBytes(parts[i])).wait(scope_);
  stream_.Close();
  delivered.wait(scope_);
  for (const std::string& part : parts) all += part;
  EXPECT_EQ(client.got, all);
}

TEST_F(ExecStreamTest, AReaderThatVanishesLetsTheGuestGoOn) {
  Client client;
  client.hold = true;
  kj::Promise<void> delivered = Attach(client);
  const std::string part(kRing, 'x');
  Take(part).wait(scope_);
  Turn();
  kj::Promise<void> blocked = Take(part).eagerlyEvaluate(nullptr);
  EXPECT_FALSE(blocked.poll(scope_));
  stream_.Release();
  EXPECT_TRUE(blocked.poll(scope_));
  EXPECT_FALSE(stream_.has_reader());
}

TEST_F(ExecStreamTest, AReaderThatFailsCountsAsDone) {
  Client client;
  client.fails = true;
  kj::Promise<void> delivered = Attach(client);
  const std::string part(kRing, 'x');
  for (int i = 0; i < 5; ++i) Take(part).wait(scope_);
  delivered.wait(scope_);
}

// What a client had confirmed before it died is on its side; everything else must still be here.
TEST_F(ExecStreamTest, KeepsWhatItsReaderHasNotConfirmedForTheNext) {
  Client first;
  kj::Promise<void> delivered = Attach(first);
  const std::string confirmed(kRing, 'a');
  Take(confirmed).wait(scope_);
  Turn();
  first.hold = true;
  const std::string sent(kRing / 2, 'b');
  Take(sent).wait(scope_);
  const std::string unsent(kRing / 2, 'c');
  Take(unsent).wait(scope_);
  stream_.DropHistory();
  stream_.Release();
  EXPECT_EQ(stream_.begin(), confirmed.size());
  Client second;
  kj::Promise<void> again = Attach(second, confirmed.size());
  stream_.Close();
  again.wait(scope_);
  EXPECT_EQ(second.got, sent + unsent);
}

TEST_F(ExecStreamTest, GoesOnAtAnyOffsetThatIsKept) {
  const std::string text = "0123456789";
  Take(text).wait(scope_);
  stream_.Close();
  for (std::uint64_t from = 0; from <= text.size(); ++from) {
    Client client;
    Attach(client, from).wait(scope_);
    stream_.Release();
    EXPECT_EQ(client.got, text.substr(from));
    EXPECT_TRUE(client.ended);
  }
}

TEST_F(ExecStreamTest, RefusesWhatComesAfterTheEnd) {
  stream_.Close();
  const std::string late = "late";
  kj::Promise<bool> refused =
      Take(late).then([]() { return false; }, [](kj::Exception&&) { return true; });
  EXPECT_TRUE(refused.wait(scope_));
  EXPECT_EQ(stream_.end(), 0u);
}

TEST_F(ExecStreamTest, LeavesNoMemoryCountedBehind) {
  {
    ExecStream other(kept_, kRing);
    const std::string part(3000, 'x');
    other.Take(AsBytes(part)).wait(scope_);
    EXPECT_GT(kept_.used(), 0u);
  }
  EXPECT_EQ(kept_.used(), 0u);
}

TEST_F(ExecStreamTest, AGuestsSinkRefusesAChunkBeyondTheContract) {
  struct Owner : kj::Refcounted {};
  wire::ByteSink::Client sink = NewStreamSink(kj::refcounted<Owner>(), stream_);
  const auto write = [&](std::size_t size) {
    auto request = sink.writeRequest();
    const std::string bytes(size, 'x');
    request.setBytes(AsBytes(bytes));
    return request.send().then([]() { return true; }, [](kj::Exception&&) { return false; });
  };
  EXPECT_TRUE(write(1000).wait(scope_));
  EXPECT_FALSE(write(kMaxChunk + 1).wait(scope_));
  EXPECT_EQ(stream_.end(), 1000u);
}

}  // namespace
}  // namespace boxlite

#include "boxlite/shim/sinks.h"

#include <kj/async.h>
#include <kj/debug.h>

#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

kj::Promise<void> Write(wire::ByteSink::Client& sink, const std::string& bytes) {
  auto request = sink.writeRequest();
  request.setBytes(AsBytes(bytes));
  return request.send();
}

bool Fails(kj::Promise<void> promise, kj::WaitScope& scope) {
  return promise.then([]() { return false; }, [](kj::Exception&&) { return true; }).wait(scope);
}

// A client of the box: remembers what it got; may hold back its answers, or be gone.
struct ClientState {
  std::string got;
  bool ended = false;
  bool gone = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> held;
  bool hold = false;
};

class ClientSink final : public wire::ByteSink::Server {
 public:
  explicit ClientSink(ClientState& state) : state_(state) {}
  kj::Promise<void> write(WriteContext context) override {
    if (state_.gone) return KJ_EXCEPTION(DISCONNECTED, "gone");
    state_.got += AsText(context.getParams().getBytes());
    if (!state_.hold) return kj::READY_NOW;
    auto paf = kj::newPromiseAndFulfiller<void>();
    state_.held = kj::mv(paf.fulfiller);
    return kj::mv(paf.promise);
  }
  kj::Promise<void> end(EndContext) override {
    state_.ended = true;
    return kj::READY_NOW;
  }

 private:
  ClientState& state_;
};

std::string LogOf(int dir_fd) {
  std::string text;
  LogReader reader(dir_fd, 0);
  auto read = reader.ReadAvailable([&](const LogRecord& record) -> Status {
    text += record.stream == LogStream::kStdout ? "o:" : "e:";
    text += record.bytes;
    return {};
  });
  EXPECT_THAT(read, IsOk());
  return text;
}

TEST(LogSink, AppendsToItsStream) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  TestDirectory dir;
  auto log = std::make_shared<LogWriter>(std::move(*LogWriter::Open(dir.fd())));
  wire::ByteSink::Client out = NewLogSink(log, std::make_shared<LogGate>(log), LogStream::kStdout);
  wire::ByteSink::Client err = NewLogSink(log, std::make_shared<LogGate>(log), LogStream::kStderr);
  Write(out, "one").wait(scope);
  Write(err, "two").wait(scope);
  Write(out, "").wait(scope);
  out.endRequest().send().wait(scope);
  EXPECT_EQ(LogOf(dir.fd()), "o:onee:two");
}

TEST(LogSink, TakesAChunkOfTheContractsSizeAndRefusesALargerOne) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  TestDirectory dir;
  auto log = std::make_shared<LogWriter>(std::move(*LogWriter::Open(dir.fd())));
  wire::ByteSink::Client out = NewLogSink(log, std::make_shared<LogGate>(log), LogStream::kStdout);
  Write(out, std::string(kMaxChunk, 'x')).wait(scope);
  EXPECT_EQ(log->end(), kMaxChunk);
  EXPECT_TRUE(Fails(Write(out, std::string(kMaxChunk + 1, 'x')), scope));
  EXPECT_EQ(log->end(), kMaxChunk);
}

TEST(ForwardSink, HandsOnBytesAndTheEnd) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ClientState client;
  wire::ByteSink::Client sink = NewForwardSink(kj::heap<ClientSink>(client));
  Write(sink, "one").wait(scope);
  Write(sink, std::string(kMaxChunk, 'x')).wait(scope);
  sink.endRequest().send().wait(scope);
  EXPECT_EQ(client.got, "one" + std::string(kMaxChunk, 'x'));
  EXPECT_TRUE(client.ended);
}

TEST(ForwardSink, RefusesAChunkBeyondTheContract) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ClientState client;
  wire::ByteSink::Client sink = NewForwardSink(kj::heap<ClientSink>(client));
  EXPECT_TRUE(Fails(Write(sink, std::string(kMaxChunk + 1, 'x')), scope));
  EXPECT_EQ(client.got, "");
}

TEST(ForwardSink, AClientThatLeftDoesNotBlockOrFailTheProgram) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ClientState client;
  client.gone = true;
  wire::ByteSink::Client sink = NewForwardSink(kj::heap<ClientSink>(client));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(Fails(Write(sink, "lost"), scope));
  EXPECT_FALSE(Fails(sink.endRequest().send().ignoreResult(), scope));
}

TEST(ForwardSink, MayBeDroppedWhileItsClientHoldsAnAnswerBack) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ClientState client;
  client.hold = true;
  kj::Promise<void> pending = nullptr;
  {
    wire::ByteSink::Client sink = NewForwardSink(kj::heap<ClientSink>(client));
    pending = Write(sink, "x");
    EXPECT_FALSE(pending.poll(scope)) << "its back-pressure is passed on";
  }
  EXPECT_FALSE(pending.poll(scope));
  KJ_IF_MAYBE (held, client.held) (*held)->reject(KJ_EXCEPTION(DISCONNECTED, "left"));
  EXPECT_FALSE(Fails(kj::mv(pending), scope));
}

TEST(ForwardSink, ACancelledWriteLeavesNothingThatRunsLater) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  ClientState client;
  client.hold = true;
  {
    wire::ByteSink::Client sink = NewForwardSink(kj::heap<ClientSink>(client));
    kj::Promise<void> pending = Write(sink, "x");
    EXPECT_FALSE(pending.poll(scope));
  }
  KJ_IF_MAYBE (held, client.held) (*held)->fulfill();
  kj::Promise<void>(kj::evalLater([]() {})).wait(scope);
}

}  // namespace
}  // namespace boxlite

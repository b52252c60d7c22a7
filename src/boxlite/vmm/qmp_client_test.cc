#include "boxlite/vmm/qmp_client.h"

#include <memory>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using testing::HasSubstr;
using Kind = QmpMessage::Kind;

constexpr char kGreeting[] =
    "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n";
constexpr char kOk[] = "{\"return\": {}}\r\n";

// Apart from the fixture: destructors of kj's may throw, a fixture's may not.
struct Conversation {
  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
  kj::Own<QmpClient> client = kj::heap<QmpClient>(kj::mv(pipe.ends[0]));
};

class QmpClientTest : public testing::Test {
 protected:
  // Says `text` in the name of QEMU.
  void Say(const std::string& text) { qemu().write(text.data(), text.size()).wait(scope_); }
  // What the client has sent by now, up to one line.
  std::string Hear() {
    std::string line;
    char byte = 0;
    while (byte != '\n') {
      if (qemu().tryRead(&byte, 1, 1).wait(scope_) == 0) return line;
      line.push_back(byte);
    }
    return line;
  }
  kj::AsyncIoStream& qemu() { return *pipe_.ends[1]; }
  // The greeting and the negotiation, as QEMU does them.
  void Negotiate() {
    EXPECT_EQ(Hear(), "{\"execute\":\"qmp_capabilities\"}\n");
    Say(kGreeting);
    Say(kOk);
  }
  std::string FailureOf(kj::Promise<std::string> promise) {
    std::string failure;
    promise
        .then(
            [](std::string&&) {},
            [&failure](kj::Exception&& exception) { failure = exception.getDescription().cStr(); })
        .wait(scope_);
    return failure;
  }

  std::unique_ptr<Conversation> conversation_ = std::make_unique<Conversation>();
  kj::WaitScope& scope_ = conversation_->scope;
  kj::TwoWayPipe& pipe_ = conversation_->pipe;
  kj::Own<QmpClient>& client_ = conversation_->client;
};

TEST_F(QmpClientTest, NegotiatesThenAnswersInOrder) {
  Negotiate();
  kj::Promise<std::string> first = client_->Execute("query-status");
  kj::Promise<std::string> second = client_->Execute("query-version");
  EXPECT_EQ(Hear(), "{\"execute\":\"query-status\"}\n");
  EXPECT_EQ(Hear(), "{\"execute\":\"query-version\"}\n");
  Say("{\"return\": {\"a\": 1}}\r\n{\"return\": {\"b\": 2}}\r\n");
  EXPECT_EQ(first.wait(scope_), "{\"a\":1}");
  EXPECT_EQ(second.wait(scope_), "{\"b\":2}");
}

TEST_F(QmpClientTest, EventsBetweenCommandAndAnswerAreSkipped) {
  Negotiate();
  kj::Promise<std::string> answer = client_->Execute("query-status");
  Hear();
  Say("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"STOP\"}\r\n");
  Say("{\"event\": \"RESUME\", \"data\": {\"return\": 1}}\r\n{\"return\": 7}\r\n");
  EXPECT_EQ(answer.wait(scope_), "7");
}

TEST_F(QmpClientTest, AnAnswerMayComeByteByByte) {
  Negotiate();
  kj::Promise<std::string> answer = client_->Execute("query-status");
  Hear();
  for (const char c : std::string("{\"return\": \"x\"}\r\n")) Say(std::string(1, c));
  EXPECT_EQ(answer.wait(scope_), "\"x\"");
}

TEST_F(QmpClientTest, ARefusalIsAnErrorWithItsWordsAndTheNextCommandWorks) {
  Negotiate();
  kj::Promise<std::string> refused = client_->Execute("no-such-command");
  kj::Promise<std::string> next = client_->Execute("query-status");
  Hear();
  Hear();
  Say("{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no such command\"}}\r\n");
  Say(kOk);
  EXPECT_THAT(FailureOf(kj::mv(refused)), HasSubstr("no such command"));
  EXPECT_EQ(next.wait(scope_), "{}");
}

TEST_F(QmpClientTest, QemusEndFailsWhatWaitsAndWhatIsAskedLater) {
  Negotiate();
  kj::Promise<std::string> waiting = client_->Execute("quit");
  Hear();
  pipe_.ends[1] = nullptr;
  EXPECT_THAT(FailureOf(kj::mv(waiting)), HasSubstr("QEMU closed its control socket"));
  EXPECT_THAT(FailureOf(client_->Execute("quit")), HasSubstr("QEMU closed its control socket"));
}

TEST_F(QmpClientTest, JunkEndsTheConversationWithATypedFailure) {
  Negotiate();
  kj::Promise<std::string> waiting = client_->Execute("query-status");
  Hear();
  Say("this is no JSON\n");
  EXPECT_THAT(FailureOf(kj::mv(waiting)), HasSubstr("QMP"));
  EXPECT_THAT(FailureOf(client_->Execute("quit")), HasSubstr("QMP"));
}

TEST_F(QmpClientTest, AnAnswerToNoCommandEndsTheConversation) {
  Negotiate();
  Say(kOk);
  EXPECT_THAT(FailureOf(client_->Execute("quit")), HasSubstr("answer to no command"));
}

TEST_F(QmpClientTest, ALineWithoutAnEndIsNotKeptForEver) {
  Negotiate();
  const std::string chunk(64 * 1024, 'x');
  std::size_t taken = 0;
  bool refused = false;
  while (!refused && taken < 16 * QmpClient::kMaxLine) {
    auto write = qemu()
                     .write(chunk.data(), chunk.size())
                     .then([] { return true; }, [](kj::Exception&&) { return false; });
    if (!write.poll(scope_)) break;  // it reads no more
    refused = !write.wait(scope_);
    taken += chunk.size();
  }
  EXPECT_LE(taken, QmpClient::kMaxLine + 2 * chunk.size());
  EXPECT_THAT(FailureOf(client_->Execute("quit")), HasSubstr("a line without an end"));
}

TEST_F(QmpClientTest, MayBeDestroyedWhileAnAnswerIsAwaited) {
  Negotiate();
  kj::Promise<std::string> waiting = client_->Execute("quit");
  client_ = nullptr;
  EXPECT_FALSE(FailureOf(kj::mv(waiting)).empty());
}

TEST_F(QmpClientTest, ACancelledCommandsAnswerIsNotTakenForTheNextOnes) {
  Negotiate();
  { kj::Promise<std::string> dropped = client_->Execute("query-status"); }
  kj::Promise<std::string> next = client_->Execute("query-version");
  Hear();
  Hear();
  Say("{\"return\": \"status\"}\r\n{\"return\": \"version\"}\r\n");
  EXPECT_EQ(next.wait(scope_), "\"version\"");
}

TEST(QmpMessage, EachKindIsTold) {
  EXPECT_EQ(ParseQmpMessage(kGreeting)->kind, Kind::kGreeting);
  EXPECT_EQ(ParseQmpMessage("{\"event\":\"STOP\"}")->kind, Kind::kEvent);
  EXPECT_EQ(ParseQmpMessage("{\"return\":[1]}")->body, "[1]");
  EXPECT_EQ(ParseQmpMessage("{\"error\":{}}")->body, "no description");
  EXPECT_EQ(ParseQmpMessage("{\"error\":{\"desc\":\"why\"}}")->kind, Kind::kError);
}

TEST(QmpMessage, WhatIsNoneIsCorruptAndNeverThrows) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("1"), std::string("null"), std::string("{}"),
        std::string("{\"error\":1}"), std::string("{\"error\":{\"desc\":{}}}"), std::string("{"),
        std::string("\xff\xfe"), std::string("{\"return\":1}x"), std::string(2, '\0')}) {
    EXPECT_THAT(ParseQmpMessage(text), HasCode(ErrorCode::kCorrupt)) << text;
  }
}

TEST(QmpMessage, OneThatIsNestedWithoutEndIsCorrupt) {
  // Printing such a value again would need a stack frame for each level.
  const std::size_t deep = QmpClient::kMaxLine / 2 - 16;
  EXPECT_THAT(
      ParseQmpMessage("{\"return\":" + std::string(deep, '[') + std::string(deep, ']') + "}"),
      HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(ParseQmpMessage("{\"return\":" + std::string(20, '[') + std::string(20, ']') + "}"),
              IsOk());
}

TEST(SumWrittenBytes, AddsUpAllDevicesAndReadsNothingElse) {
  EXPECT_EQ(SumWrittenBytes("[{\"stats\":{\"wr_bytes\":5}},{\"stats\":{\"wr_bytes\":7}}]"), 12u);
  EXPECT_EQ(SumWrittenBytes("[{\"stats\":{\"wr_bytes\":-5}}]"), 0u);
  EXPECT_EQ(SumWrittenBytes("[]"), 0u);
  for (const char* text : {"", "{}", "[1]", "[{\"stats\":1}]", "[{}]", "nonsense", "null"}) {
    EXPECT_EQ(SumWrittenBytes(text), 0u) << text;
  }
}

}  // namespace
}  // namespace boxlite

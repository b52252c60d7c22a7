#include "boxlite/shim/main_attachment.h"

#include <kj/async.h>

#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/shim/sinks.h"

namespace boxlite {
namespace {

struct MainState {
  std::string input;
  int ends = 0;
  std::vector<std::pair<int, int>> sizes;
};

class Input final : public wire::ByteSink::Server {
 public:
  explicit Input(MainState& state) : state_(state) {}
  kj::Promise<void> write(WriteContext context) override {
    state_.input += AsText(context.getParams().getBytes());
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override {
    ++state_.ends;
    return kj::READY_NOW;
  }

 private:
  MainState& state_;
};

class MainProcess final : public wire::Process::Server {
 public:
  explicit MainProcess(MainState& state) : state_(state) {}
  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(kj::heap<Input>(state_));
    return kj::READY_NOW;
  }
  kj::Promise<void> resize(ResizeContext context) override {
    const auto size = context.getParams().getSize();
    state_.sizes.emplace_back(size.getRows(), size.getColumns());
    if (size.getRows() == 0) {
      ToWire(Error(ErrorCode::kWrongState, "no terminal"), context.getResults().initError());
    }
    return kj::READY_NOW;
  }

 private:
  MainState& state_;
};

class MainAttachmentTest : public testing::Test {
 protected:
  wire::MainAttachment::Client Attach(MainInput input, bool with_input = true) {
    return NewMainAttachment(gate_->AddReader(log_->end()),
                             wire::Process::Client(kj::heap<MainProcess>(main_)), with_input,
                             input);
  }
  void Feed(wire::MainAttachment::Client attachment, const std::string& bytes) {
    auto sink = attachment.stdinRequest().send().getSink();
    auto request = sink.writeRequest();
    request.setBytes(AsBytes(bytes));
    request.send().wait(scope_);
    sink.endRequest().send().wait(scope_);
  }

  // Writes until it has to wait, and a little beyond the window at most. Returns the last write.
  kj::Promise<void> Flood(wire::ByteSink::Client& sink) {
    for (std::uint64_t sent = 0; sent <= 2 * kReaderWindow; sent += kMaxChunk) {
      auto request = sink.writeRequest();
      request.setBytes(AsBytes(std::string(kMaxChunk, 'x')));
      kj::Promise<void> write = request.send();
      if (!write.poll(scope_)) return write;
    }
    return kj::READY_NOW;
  }

  // On the heap: destructors of kj's may throw, a fixture's may not.
  struct Loop {
    kj::EventLoop loop;
    kj::WaitScope scope{loop};
  };
  std::unique_ptr<Loop> loop_ = std::make_unique<Loop>();
  kj::WaitScope& scope_ = loop_->scope;
  TestDirectory dir_;
  std::shared_ptr<LogWriter> log_ =
      std::make_shared<LogWriter>(std::move(*LogWriter::Open(dir_.fd())));
  std::shared_ptr<LogGate> gate_ = std::make_shared<LogGate>(log_);
  MainState main_;
};

TEST_F(MainAttachmentTest, PassesTheClientsBytesAndItsEndOn) {
  Feed(Attach(MainInput::kEndsWithClient), "hello");
  EXPECT_EQ(main_.input, "hello");
  EXPECT_EQ(main_.ends, 1);
}

TEST_F(MainAttachmentTest, AnInputThatStaysOpenOutlivesTheClientsEnd) {
  Feed(Attach(MainInput::kStaysOpen), "one");
  Feed(Attach(MainInput::kStaysOpen), "two");
  EXPECT_EQ(main_.input, "onetwo");
  EXPECT_EQ(main_.ends, 0);
}

TEST_F(MainAttachmentTest, AClientThatSaidItOnlyReadsCannotFeed) {
  auto attachment = Attach(MainInput::kEndsWithClient, /*with_input=*/false);
  EXPECT_TRUE(attachment.stdinRequest()
                  .send()
                  .then([](auto&&) { return false; }, [](kj::Exception&&) { return true; })
                  .wait(scope_));
}

TEST_F(MainAttachmentTest, TellsTheTerminalsSizeAndWhatIsWrongWithIt) {
  auto attachment = Attach(MainInput::kStaysOpen);
  const auto resize = [&](std::uint16_t rows, std::uint16_t columns) {
    auto request = attachment.resizeRequest();
    request.initSize().setRows(rows);
    request.getSize().setColumns(columns);
    return FromWire(request.send().wait(scope_).getError()).ok();
  };
  EXPECT_TRUE(resize(50, 132));
  EXPECT_EQ(main_.sizes.back(), std::make_pair(50, 132));
  EXPECT_FALSE(resize(0, 1));
}

TEST_F(MainAttachmentTest, MainsOutputWaitsForWhatIsShown) {
  wire::ByteSink::Client sink = NewLogSink(log_, gate_, LogStream::kStdout);
  auto attachment = Attach(MainInput::kStaysOpen);
  kj::Promise<void> last = Flood(sink);
  EXPECT_FALSE(last.poll(scope_));
  auto shown = attachment.shownRequest();
  shown.setLogOffset(log_->end());
  shown.send().wait(scope_);
  EXPECT_TRUE(last.poll(scope_));
}

TEST_F(MainAttachmentTest, DroppingItFreesMain) {
  wire::ByteSink::Client sink = NewLogSink(log_, gate_, LogStream::kStdout);
  kj::Maybe<wire::MainAttachment::Client> attachment = Attach(MainInput::kStaysOpen);
  kj::Promise<void> last = Flood(sink);
  EXPECT_FALSE(last.poll(scope_));
  attachment = nullptr;
  EXPECT_TRUE(last.poll(scope_));
}

}  // namespace
}  // namespace boxlite

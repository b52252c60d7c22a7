#include "testing/fake_files.h"

#include <kj/debug.h>

#include "boxlite/copy/tar_reader.h"
#include "boxlite/copy/tar_writer.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite::testing {
namespace {

constexpr char kFilePath[] = "/greeting";

// A process that has ended well once `end` is there.
class TransferService final : public wire::Process::Server {
 public:
  TransferService(kj::Promise<void> end, kj::Maybe<wire::ByteSink::Client> input)
      : end_(end.fork()), input_(kj::mv(input)) {}

  kj::Promise<void> wait(WaitContext context) override {
    return end_.addBranch().then(
        [context]() mutable { context.getResults().initExit().setCode(0); });
  }
  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(KJ_REQUIRE_NONNULL(input_));
    return kj::READY_NOW;
  }
  kj::Promise<void> transferResult(TransferResultContext) override { return kj::READY_NOW; }

 private:
  kj::ForkedPromise<void> end_;
  kj::Maybe<wire::ByteSink::Client> input_;
};

// The files of a tar stream, one after the other, as one text.
class TextOfFiles final : public wire::ByteSink::Server, private TarConsumer {
 public:
  TextOfFiles(std::string& content, kj::Own<kj::PromiseFulfiller<void>> ended)
      : content_(content), ended_(kj::mv(ended)) {}

  kj::Promise<void> write(WriteContext context) override {
    KJ_REQUIRE(reader_.Feed(AsText(context.getParams().getBytes())).ok(), "no tar stream");
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override {
    KJ_REQUIRE(reader_.Finish().ok(), "the tar stream was cut");
    content_ = text_;
    ended_->fulfill();
    return kj::READY_NOW;
  }

 private:
  Status Begin(const TarEntry&) override { return {}; }
  Status Data(std::string_view bytes) override {
    text_ += bytes;
    return {};
  }
  Status End() override { return {}; }

  std::string& content_;
  kj::Own<kj::PromiseFulfiller<void>> ended_;
  std::string text_;
  TarReader reader_{*this};
};

}  // namespace

void FakeFiles::Describe(
    AgentCall<wire::Agent::PathInfoParams, wire::Agent::PathInfoResults> context) const {
  if (AsText(context.getParams().getPath()) != kFilePath) return;  // absent
  auto info = context.getResults().initInfo();
  info.setKind(wire::PathInfo::Kind::FILE);
  info.setSize(content_.size());
}

kj::Promise<void> FakeFiles::Pack(
    AgentCall<wire::Agent::PackParams, wire::Agent::PackResults> context) const {
  TarEntry entry;
  entry.name = std::string(AsText(context.getParams().getRequest().getRootName()));
  entry.size = content_.size();
  const std::string bytes = EncodeTarHeader(entry) + content_ +
                            std::string(TarPadding(entry.size), '\0') + EncodeTarEnd();
  auto sink = context.getParams().getSink();
  auto request = sink.writeRequest();
  request.setBytes(AsBytes(bytes));
  return request.send()
      .then([sink]() mutable { return sink.endRequest().send().ignoreResult(); })
      .then([context]() mutable {
        context.getResults().setProcess(
            kj::heap<TransferService>(kj::Promise<void>(kj::READY_NOW), nullptr));
      });
}

void FakeFiles::Unpack(AgentCall<wire::Agent::UnpackParams, wire::Agent::UnpackResults> context) {
  auto ended = kj::newPromiseAndFulfiller<void>();
  wire::ByteSink::Client input = kj::heap<TextOfFiles>(content_, kj::mv(ended.fulfiller));
  context.getResults().setProcess(kj::heap<TransferService>(kj::mv(ended.promise), kj::mv(input)));
}

}  // namespace boxlite::testing

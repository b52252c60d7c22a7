#include "boxlite/shim/main_attachment.h"

#include <kj/debug.h>

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/shim/machine.h"
#include "boxlite/shim/sinks.h"

namespace boxlite {
namespace {

class MainInputSink final : public wire::ByteSink::Server {
 public:
  MainInputSink(wire::ByteSink::Client target, MainInput input)
      : target_(kj::mv(target)), input_(input) {}

  kj::Promise<void> write(WriteContext context) override {
    const capnp::Data::Reader bytes = context.getParams().getBytes();
    KJ_REQUIRE(bytes.size() <= kMaxChunk, "a chunk beyond the contract's size");
    auto request = target_.writeRequest(capnp::MessageSize{bytes.size() / 8 + 16, 0});
    request.setBytes(bytes);
    return request.send();
  }

  kj::Promise<void> end(EndContext) override {
    if (input_ != MainInput::kEndsWithClient) return kj::READY_NOW;
    return target_.endRequest().send().ignoreResult();
  }

 private:
  wire::ByteSink::Client target_;
  MainInput input_;
};

class MainAttachmentService final : public wire::MainAttachment::Server {
 public:
  MainAttachmentService(std::unique_ptr<LogGate::Reader> reader, wire::Process::Client main,
                        bool with_input, MainInput input)
      : reader_(std::move(reader)), main_(kj::mv(main)), with_input_(with_input), input_(input) {}

  kj::Promise<void> shown(ShownContext context) override {
    reader_->Shown(context.getParams().getLogOffset());
    return kj::READY_NOW;
  }

  kj::Promise<void> stdin(StdinContext context) override {
    KJ_REQUIRE(with_input_, "attached without input");
    context.getResults().setSink(NewMainInputSink(main_.stdinRequest().send().getSink(), input_));
    return kj::READY_NOW;
  }

  kj::Promise<void> resize(ResizeContext context) override {
    auto request = main_.resizeRequest();
    request.setSize(context.getParams().getSize());
    return request.send().then(
        [context](auto&& answer) mutable { context.getResults().setError(answer.getError()); },
        [context](kj::Exception&& exception) mutable {
          ToWire(FromStep(exception), context.getResults().initError());
        });
  }

 private:
  std::unique_ptr<LogGate::Reader> reader_;
  wire::Process::Client main_;
  bool with_input_;
  MainInput input_;
};

}  // namespace

wire::ByteSink::Client NewMainInputSink(wire::ByteSink::Client target, MainInput input) {
  return kj::heap<MainInputSink>(kj::mv(target), input);
}

wire::MainAttachment::Client NewMainAttachment(std::unique_ptr<LogGate::Reader> reader,
                                               wire::Process::Client main, bool with_input,
                                               MainInput input) {
  return kj::heap<MainAttachmentService>(std::move(reader), kj::mv(main), with_input, input);
}

}  // namespace boxlite

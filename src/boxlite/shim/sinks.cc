#include "boxlite/shim/sinks.h"

#include <kj/debug.h>
#include <time.h>

#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

void RequireContractSize(capnp::Data::Reader bytes) {
  KJ_REQUIRE(bytes.size() <= kMaxChunk, "the guest sent a chunk beyond the contract's size");
}

class LogSink final : public wire::ByteSink::Server {
 public:
  LogSink(std::shared_ptr<LogWriter> log, std::shared_ptr<LogGate> gate, LogStream stream)
      : log_(std::move(log)), gate_(std::move(gate)), stream_(stream) {}

  kj::Promise<void> write(WriteContext context) override {
    const capnp::Data::Reader bytes = context.getParams().getBytes();
    RequireContractSize(bytes);
    timespec now = {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const std::int64_t now_ns = static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
    Status appended = log_->Append(stream_, AsText(bytes), now_ns);
    if (!appended.ok() && !told_) {
      told_ = true;
      KJ_LOG(ERROR, "main's output is being lost", appended.error().message().c_str());
    }
    context.releaseParams();
    return gate_->WhenMayGoOn();
  }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }

 private:
  std::shared_ptr<LogWriter> log_;
  std::shared_ptr<LogGate> gate_;
  LogStream stream_;
  bool told_ = false;
};

class ForwardSink final : public wire::ByteSink::Server {
 public:
  explicit ForwardSink(wire::ByteSink::Client target) : target_(kj::mv(target)) {}

  kj::Promise<void> write(WriteContext context) override {
    const capnp::Data::Reader bytes = context.getParams().getBytes();
    RequireContractSize(bytes);
    if (gone_) return kj::READY_NOW;
    auto request = target_.writeRequest(capnp::MessageSize{bytes.size() / 8 + 16, 0});
    request.setBytes(bytes);
    return request.send().catch_([this](kj::Exception&&) { gone_ = true; });
  }
  kj::Promise<void> end(EndContext) override {
    if (gone_) return kj::READY_NOW;
    return target_.endRequest().send().ignoreResult().catch_(
        [this](kj::Exception&&) { gone_ = true; });
  }

 private:
  wire::ByteSink::Client target_;
  bool gone_ = false;
};

}  // namespace

wire::ByteSink::Client NewLogSink(std::shared_ptr<LogWriter> log, std::shared_ptr<LogGate> gate,
                                  LogStream stream) {
  return kj::heap<LogSink>(std::move(log), std::move(gate), stream);
}

wire::ByteSink::Client NewForwardSink(wire::ByteSink::Client target) {
  return kj::heap<ForwardSink>(kj::mv(target));
}

}  // namespace boxlite

#include "boxlite/runtime/copy_streams.h"

#include <kj/debug.h>

#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;
// Of a message around the chunk, in words.
constexpr std::size_t kEnvelopeWords = 16;

class PackPump {
 public:
  PackPump(Packer& packer, wire::ByteSink::Client sink, Status& failure, ByteCount on_bytes)
      : packer_(packer),
        sink_(kj::mv(sink)),
        failure_(failure),
        on_bytes_(std::move(on_bytes)),
        buffer_(kj::heapArray<kj::byte>(kChunkBytes)) {}

  kj::Promise<void> Run() {
    Result<std::size_t> count =
        packer_.Read(reinterpret_cast<char*>(buffer_.begin()), buffer_.size());
    if (!count.ok()) {
      failure_ = std::move(count).error();
      return KJ_EXCEPTION(FAILED, "the source could not be read");
    }
    if (*count == 0) return sink_.endRequest().send().ignoreResult();
    auto request = sink_.writeRequest(capnp::MessageSize{*count / 8 + kEnvelopeWords, 0});
    request.setBytes(buffer_.slice(0, *count));
    if (on_bytes_) on_bytes_(packer_.data_bytes());
    return request.send().then([this]() { return Run(); });
  }

 private:
  Packer& packer_;
  wire::ByteSink::Client sink_;
  Status& failure_;
  ByteCount on_bytes_;
  kj::Array<kj::byte> buffer_;
};

class CopySink final : public wire::ByteSink::Server {
 public:
  explicit CopySink(std::shared_ptr<CopyEnd> end) : end_(std::move(end)) {}

  kj::Promise<void> write(WriteContext context) override {
    if (!end_->failure.ok()) return kj::READY_NOW;
    end_->failure = end_->take(AsText(context.getParams().getBytes()));
    if (!end_->failure.ok()) end_->on_broken();
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }

 private:
  std::shared_ptr<CopyEnd> end_;
};

class CountingSink final : public wire::ByteSink::Server {
 public:
  CountingSink(wire::ByteSink::Client target, ByteCount on_bytes)
      : target_(kj::mv(target)), on_bytes_(std::move(on_bytes)) {}

  kj::Promise<void> write(WriteContext context) override {
    const capnp::Data::Reader bytes = context.getParams().getBytes();
    bytes_ += bytes.size();
    if (on_bytes_) on_bytes_(bytes_);
    auto request = target_.writeRequest(capnp::MessageSize{bytes.size() / 8 + kEnvelopeWords, 0});
    request.setBytes(bytes);
    return request.send();
  }
  kj::Promise<void> end(EndContext) override { return target_.endRequest().send().ignoreResult(); }

 private:
  wire::ByteSink::Client target_;
  ByteCount on_bytes_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

kj::Promise<void> PumpPacked(Packer& packer, wire::ByteSink::Client sink, Status& failure,
                             ByteCount on_bytes) {
  auto pump = kj::heap<PackPump>(packer, kj::mv(sink), failure, std::move(on_bytes));
  kj::Promise<void> running = pump->Run();
  return running.attach(kj::mv(pump));
}

wire::ByteSink::Client NewCopySink(std::shared_ptr<CopyEnd> end) {
  return kj::heap<CopySink>(std::move(end));
}

wire::ByteSink::Client NewCountingSink(wire::ByteSink::Client target, ByteCount on_bytes) {
  return kj::heap<CountingSink>(kj::mv(target), std::move(on_bytes));
}

}  // namespace boxlite

// Templates of exec_stream.h.
#pragma once

#include <kj/debug.h>

#include "boxlite/shim/exec_stream.h"
#include "boxlite/shim/sinks.h"

namespace boxlite {

namespace internal {
template <typename Owner>
class StreamSink final : public wire::ByteSink::Server {
 public:
  StreamSink(kj::Own<Owner> owner, ExecStream& stream) : owner_(kj::mv(owner)), stream_(stream) {}

  kj::Promise<void> write(WriteContext context) override {
    const capnp::Data::Reader bytes = context.getParams().getBytes();
    KJ_REQUIRE(bytes.size() <= kMaxChunk, "the guest sent a chunk beyond the contract's size");
    return stream_.Take(bytes).attach(kj::cp(context));
  }
  kj::Promise<void> end(EndContext) override {
    stream_.Close();
    return kj::READY_NOW;
  }

 private:
  kj::Own<Owner> owner_;
  ExecStream& stream_;
};
}  // namespace internal

template <typename Owner>
wire::ByteSink::Client NewStreamSink(kj::Own<Owner> owner, ExecStream& stream) {
  return kj::heap<internal::StreamSink<Owner>>(kj::mv(owner), stream);
}

}  // namespace boxlite

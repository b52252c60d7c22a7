// The host's ends of a copy's tar stream on the event loop: packing into a sink, unpacking as one.
#pragma once

#include <kj/async-io.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "boxlite/base/result.h"
#include "boxlite/copy/pack.h"
#include "boxlite/copy/unpack.h"
#include "types.capnp.h"

namespace boxlite {

using ByteCount = std::function<void(std::uint64_t bytes)>;

// Writes what `packer` gives into `sink` and end()s it; rejects when the sink is gone. A failure of
// the packer is left in `failure`, and the promise rejects. Both are borrowed. Reads block the loop
// for one chunk at a time: nothing else is on it.
kj::Promise<void> PumpPacked(Packer& packer, wire::ByteSink::Client sink, Status& failure,
                             ByteCount on_bytes);

// Feeds `unpacker`; after its first failure, which goes into `failure`, `on_broken` is called once
// and the rest is discarded. Shared, since the sink lives as long as the connection.
struct UnpackEnd {
  std::unique_ptr<Unpacker> unpacker;
  Status failure;
  std::function<void()> on_broken;
  ByteCount on_bytes;
};
wire::ByteSink::Client NewUnpackSink(std::shared_ptr<UnpackEnd> end);

// Hands on to `target`, counting.
wire::ByteSink::Client NewCountingSink(wire::ByteSink::Client target, ByteCount on_bytes);

}  // namespace boxlite

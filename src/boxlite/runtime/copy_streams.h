// The host's ends of a copy's tar stream on the event loop: packing into a sink, taking from one.
#pragma once

#include <kj/async-io.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/copy/pack.h"
#include "types.capnp.h"

namespace boxlite {

using ByteCount = std::function<void(std::uint64_t bytes)>;

// Writes what `packer` gives into `sink` and end()s it; rejects when the sink is gone. A failure of
// the packer is left in `failure`, and the promise rejects. Both are borrowed. Reads block the loop
// for one chunk at a time: nothing else is on it.
kj::Promise<void> PumpPacked(Packer& packer, wire::ByteSink::Client sink, Status& failure,
                             ByteCount on_bytes);

// Where a stream from the box goes. After the first failure of `take`, which stays in `failure`,
// `on_broken` is called once and the rest is discarded. Shared with the sink, which lives as long
// as the connection.
struct CopyEnd {
  std::function<Status(std::string_view bytes)> take;
  std::function<void()> on_broken;
  Status failure;
};
wire::ByteSink::Client NewCopySink(std::shared_ptr<CopyEnd> end);

// Hands on to `target`, counting.
wire::ByteSink::Client NewCountingSink(wire::ByteSink::Client target, ByteCount on_bytes);

}  // namespace boxlite

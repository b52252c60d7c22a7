// ShimClient: one connection to the shim of a live box, from a caller that may block.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/box_spec.h"
#include "boxlite/runtime/box_state.h"
#include "shim.capnp.h"

namespace boxlite {

class ShimClient {
 public:
  // Connects and greets. The shim must say that it is `id`'s and, when `life_id` is given, that
  // life's: kConflict otherwise. kUnavailable: nobody listens, or nobody answers within `timeout`.
  static Result<std::unique_ptr<ShimClient>> Connect(kj::AsyncIoContext& io, int box_fd,
                                                     const BoxId& id,
                                                     std::optional<std::string> life_id,
                                                     std::chrono::milliseconds timeout);

  wire::Shim::Client& shim() { return shim_; }

  // The value of `promise`; the other side's end and `timeout` (when given) become errors.
  template <typename T>
  Result<T> Await(kj::Promise<T> promise,
                  std::optional<std::chrono::milliseconds> timeout = std::nullopt);

 private:
  ShimClient(kj::AsyncIoContext& io, kj::Own<kj::AsyncIoStream> stream);

  kj::AsyncIoContext& io_;
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyClient client_;
  wire::Shim::Client shim_;
};

// Blocks on `promise`. Exceptions become errors by rpc/error_mapping.h.
template <typename T>
Result<T> AwaitPromise(kj::AsyncIoContext& io, kj::Promise<T> promise,
                       std::optional<std::chrono::milliseconds> timeout);

ProcessExit FromWireExit(wire::ExitStatus::Reader exit);

}  // namespace boxlite

#include "boxlite/runtime/shim_client_inl.h"

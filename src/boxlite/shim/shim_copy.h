// The shim's part of `cp`: it hands streams on between a client and the guest, chunk by chunk.
#pragma once

#include "boxlite/shim/shim.h"
#include "shim.capnp.h"

namespace boxlite {

template <typename Params, typename Results>
using ShimCall = capnp::CallContext<Params, Results>;

// The life must have started. Each answers its call, rejecting with a typed error as the steps of
// Machine do; a transfer ends in the guest when the client lets go of it, or dies.
kj::Promise<void> AnswerPathInfo(
    Shim& shim, ShimCall<wire::Shim::PathInfoParams, wire::Shim::PathInfoResults> call);
kj::Promise<void> AnswerPack(Shim& shim,
                             ShimCall<wire::Shim::PackParams, wire::Shim::PackResults> call);
kj::Promise<void> AnswerUnpack(Shim& shim,
                               ShimCall<wire::Shim::UnpackParams, wire::Shim::UnpackResults> call);

}  // namespace boxlite

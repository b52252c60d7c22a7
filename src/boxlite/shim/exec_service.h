// What clients ask of execs: the methods of schema/shim.capnp about them. Each answers failures in
// its results.
#pragma once

#include "boxlite/shim/shim.h"
#include "shim.capnp.h"

namespace boxlite {

using ExecContext = capnp::CallContext<wire::Shim::ExecParams, wire::Shim::ExecResults>;
using ExecsContext = capnp::CallContext<wire::Shim::ExecsParams, wire::Shim::ExecsResults>;
using OpenExecContext = capnp::CallContext<wire::Shim::OpenExecParams, wire::Shim::OpenExecResults>;

kj::Promise<void> StartExec(Shim& shim, ExecContext context);
void ListExecs(Shim& shim, ExecsContext context);
Status OpenExec(Shim& shim, OpenExecContext context);

}  // namespace boxlite

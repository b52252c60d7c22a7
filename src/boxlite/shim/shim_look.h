// What the shim passes on of a look into the box: its processes, its use of the machine.
#pragma once

#include <kj/async.h>

#include "shim.capnp.h"

namespace boxlite {

class Shim;

// Both wait for main to have started, and reject with what AsException() made: the caller puts it
// into the answer.
kj::Promise<void> AnswerProcesses(
    Shim& shim,
    capnp::CallContext<wire::Shim::ProcessesParams, wire::Shim::ProcessesResults> context);
kj::Promise<void> AnswerStatistics(
    Shim& shim,
    capnp::CallContext<wire::Shim::StatisticsParams, wire::Shim::StatisticsResults> context);

}  // namespace boxlite

// MainAttachment: what a client holds that reads main's output from the log and feeds its input:
// schema/shim.capnp.
#pragma once

#include <memory>

#include "agent.capnp.h"
#include "boxlite/runtime/shim_birth.h"
#include "boxlite/shim/log_gate.h"
#include "shim.capnp.h"

namespace boxlite {

// `with_input`: the client may feed main's input; what its end means says `input`.
wire::MainAttachment::Client NewMainAttachment(std::unique_ptr<LogGate::Reader> reader,
                                               wire::Process::Client main, bool with_input,
                                               MainInput input);

// Main's input for one client: its end is main's only where the rule of MainInput says so.
wire::ByteSink::Client NewMainInputSink(wire::ByteSink::Client target, MainInput input);

}  // namespace boxlite

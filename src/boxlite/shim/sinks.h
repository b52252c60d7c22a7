// Where the guest's output goes: into main's log, or on to a client. Both are called by the guest,
// which is hostile: a chunk beyond the contract's size is refused.
#pragma once

#include <memory>

#include "boxlite/runtime/main_log.h"
#include "boxlite/shim/log_gate.h"
#include "types.capnp.h"

namespace boxlite {

// The contract's largest chunk (schema/types.capnp).
inline constexpr std::size_t kMaxChunk = 256 * 1024;

// Appends to main.log, and answers when `gate` lets main go on. A full disk loses output, never the
// box: it is said once in the shim's log.
wire::ByteSink::Client NewLogSink(std::shared_ptr<LogWriter> log, std::shared_ptr<LogGate> gate,
                                  LogStream stream);

// Hands on to a client's sink with its back-pressure. Once the client is gone the rest is
// discarded, so that the program does not block on a reader who left.
wire::ByteSink::Client NewForwardSink(wire::ByteSink::Client target);

}  // namespace boxlite

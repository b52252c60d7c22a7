// A pack or unpack under way, as the shim holds it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent.capnp.h"
#include "boxlite/agent/program.h"
#include "boxlite/base/result.h"

namespace boxlite {

// How a transfer's process says that it ended; as bytes in its error output.
struct TransferReport {
  Status status;
  std::uint64_t skipped = 0;
};
std::string EncodeReport(const TransferReport& report);
// kUnavailable for what is no whole report: the process was ended before it could write one.
TransferReport DecodeReport(std::string_view bytes);

// Connects `program`, which runs a transfer: its output goes to `sink` (nullptr: it has none). Its
// process is killed, with what it may have started, when the capability is dropped before its end.
wire::Process::Client NewTransferService(kj::Own<Program> program,
                                         kj::Maybe<wire::ByteSink::Client> sink);

}  // namespace boxlite

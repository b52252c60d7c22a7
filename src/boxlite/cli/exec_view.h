// Execs as `exec ls` shows them. Pure.
//
// --format json|yaml: an array, oldest first; keys are stable, more may be added: id, command
// (array),
//   status (as in the table), running, exit_code (null: runs), timed_out, terminal, attached,
//   started and ended (RFC 3339, UTC; ended is null while it runs), stdout and stderr (each: begin,
//   end: the bytes that are kept)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "boxlite/cli/document.h"
#include "boxlite/runtime/exec_options.h"

namespace boxlite::cli {

// EXEC ID COMMAND STATUS STARTED. Long commands are shortened unless `whole`.
std::string ExecTable(const std::vector<ExecInfo>& execs, std::int64_t now_ns, bool whole);
Document ExecEntry(const ExecInfo& exec, std::int64_t now_ns);

}  // namespace boxlite::cli

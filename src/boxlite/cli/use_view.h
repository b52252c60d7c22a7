// A box's processes and its use of the machine, as `top` and `stats` show them. Pure.
//
// top --format json, an array; keys are stable, more may be added:
//   pid, ppid (0: not of the box), user, state, exec ("main" or the exec's id), started_ago_ms,
//   cpu_ms, rss_bytes, command
//
// stats --format json, an array:
//   id, name, state, and for a box that ran at both samples, else null: cpu_percent (100: one
//   processor), memory_bytes, memory_limit_bytes, memory_percent, disk_used_bytes, disk_size_bytes,
//   read_bytes, written_bytes, pids, shim and vm (null: unknown), each with pid, cpu_percent,
//   rss_bytes, pss_bytes (0: unknown)
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boxlite/cli/document.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

std::string ProcessTable(const BoxProcesses& processes);  // PID USER TIME EXEC COMMAND
Document ProcessEntries(const BoxProcesses& processes);

// A box at two moments. Without both samples the row says what state it is in instead.
struct UseRow {
  BoxId id;
  std::string name;
  std::string state;
  std::optional<BoxUse> before;
  std::optional<BoxUse> after;
};

std::string UseTable(const std::vector<UseRow>& rows);
Document UseEntries(const std::vector<UseRow>& rows);

}  // namespace boxlite::cli

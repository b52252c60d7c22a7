// Takes apart what the guest's kernel says of processes and of the whole box. Names and arguments
// in it are of the box's own choice: any bytes. Pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite {

// /proc/<pid>/status, as far as /proc/<pid>/stat does not tell it.
struct StatusFacts {
  uid_t effective_uid = 0;
  pid_t box_pid = 0;  // in the namespace one below the reader's; 0: it is not in one
};
// kCorrupt for text that is no such file.
Result<StatusFacts> ParseProcessStatus(std::string_view text);

// /proc/<pid>/cmdline: the arguments joined by blanks. Empty for a process that has none.
std::string CommandOf(std::string_view cmdline);

// The line of `disk` in /proc/diskstats.
struct DiskTraffic {
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
};
std::optional<DiskTraffic> TrafficOf(std::string_view diskstats, std::string_view disk);

}  // namespace boxlite

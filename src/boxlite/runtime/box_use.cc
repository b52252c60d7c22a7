#include "boxlite/runtime/box_use.h"

#include <fcntl.h>
#include <unistd.h>

#include "boxlite/base/files.h"
#include "boxlite/base/keyed_text.h"

namespace boxlite {

Result<HostUse> ReadHostUse(const ProcessIdentity& recorded, const HostIdentity& recorded_host) {
  constexpr std::size_t kMaxProcBytes = 64 * 1024;
  BOXLITE_ASSIGN_OR_RETURN(ProcessHandle handle, ProcessHandle::Open(recorded, recorded_host));
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ProcessStat> stat, ReadProcessStat(recorded.pid));
  Result<std::string> maps =
      ReadFile(AT_FDCWD, "/proc/" + std::to_string(recorded.pid) + "/smaps_rollup", kMaxProcBytes);
  // It lives still: what was read between the two looks is its own.
  BOXLITE_ASSIGN_OR_RETURN(bool ended, handle.WaitEnded(0));
  if (ended || !stat) return Error(ErrorCode::kNotFound, "the process has ended");
  HostUse use;
  use.pid = recorded.pid;
  use.cpu_ms = stat->cpu_ticks * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  use.resident_bytes = stat->resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (maps.ok()) {
    // Exact, where the counters of stat lag behind by some pages a processor.
    if (const auto resident = NumberOf(*maps, "Rss:")) use.resident_bytes = *resident * 1024;
    use.proportional_bytes = NumberOf(*maps, "Pss:").value_or(0) * 1024;
  }
  return use;
}

}  // namespace boxlite

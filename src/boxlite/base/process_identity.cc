#include "boxlite/base/process_identity.h"

#include <poll.h>

#include <cerrno>
#include <chrono>

#include "boxlite/base/interrupt.h"

namespace boxlite {

Result<ProcessIdentity> IdentityOf(pid_t pid) {
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ProcessStat> stat, ReadProcessStat(pid));
  if (!stat) return Error(ErrorCode::kNotFound, "no process " + std::to_string(pid));
  return ProcessIdentity{pid, stat->start_ticks};
}

IdentityVerdict CheckIdentity(const ProcessIdentity& recorded, const HostIdentity& recorded_host,
                              const HostIdentity& here) {
  // 0 and negative numbers address groups, 1 is init: a record that names them is no record.
  if (recorded.pid <= 1) return IdentityVerdict::kCannotTell;
  if (recorded_host.boot_id.empty() || here.boot_id.empty()) return IdentityVerdict::kCannotTell;
  if (recorded_host.boot_id != here.boot_id) return IdentityVerdict::kAbsent;
  if (recorded_host.pid_namespace != here.pid_namespace ||
      recorded_host.time_namespace != here.time_namespace) {
    return IdentityVerdict::kCannotTell;
  }
  Result<std::optional<ProcessStat>> stat = ReadProcessStat(recorded.pid);
  if (!stat.ok()) return IdentityVerdict::kCannotTell;
  if (!stat->has_value() || (*stat)->state == 'Z' || (*stat)->state == 'X') {
    return IdentityVerdict::kAbsent;
  }
  return (*stat)->start_ticks == recorded.start_ticks ? IdentityVerdict::kSame
                                                      : IdentityVerdict::kDifferent;
}

Result<ProcessHandle> ProcessHandle::Open(const ProcessIdentity& recorded,
                                          const HostIdentity& recorded_host) {
  if (recorded.pid <= 1) {
    return Error(ErrorCode::kUnavailable, "the record names no usable process");
  }
  BOXLITE_ASSIGN_OR_RETURN(HostIdentity here, CurrentHostIdentity());
  BOXLITE_ASSIGN_OR_RETURN(ProcessHandle handle, Adopt(recorded.pid));
  const std::string who = "process " + std::to_string(recorded.pid);
  switch (CheckIdentity(recorded, recorded_host, here)) {
    case IdentityVerdict::kSame:
      return handle;
    case IdentityVerdict::kDifferent:
      return Error(ErrorCode::kNotFound, who + " is another one than was recorded");
    case IdentityVerdict::kAbsent:
      return Error(ErrorCode::kNotFound, who + " has ended");
    case IdentityVerdict::kCannotTell:
      break;
  }
  return Error(ErrorCode::kUnavailable, "cannot tell who " + who + " is");
}

Result<bool> ProcessHandle::WaitEnded(int milliseconds) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    int left = milliseconds;
    if (milliseconds > 0) {
      left = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                  deadline - std::chrono::steady_clock::now())
                                  .count());
      if (left < 0) left = 0;
    }
    // A wait without limit is one that somebody may want to give up.
    pollfd pollers[] = {{fd_.get(), POLLIN, 0}, {left < 0 ? CurrentInterrupt() : -1, POLLIN, 0}};
    const int ready = ::poll(pollers, 2, left);
    if (ready > 0 && pollers[0].revents == 0) return InterruptedError();
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return ErrnoError("wait for a process");
  }
}

}  // namespace boxlite

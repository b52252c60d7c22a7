// Where macOS keeps what process_identity.h asks for: libproc and kqueue. Untested: no machine of
// the project runs macOS yet (docs/testing.md).
#if defined(__APPLE__)

#include <libproc.h>
#include <signal.h>
#include <sys/event.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <cerrno>

#include "boxlite/base/process_identity.h"

namespace boxlite {

Result<HostIdentity> CurrentHostIdentity() {
  char uuid[64] = {};
  std::size_t size = sizeof uuid - 1;
  if (::sysctlbyname("kern.bootsessionuuid", uuid, &size, nullptr, 0) != 0) {
    return ErrnoError("read kern.bootsessionuuid");
  }
  HostIdentity host;
  host.boot_id = uuid;
  return host;
}

Result<std::optional<ProcessStat>> ReadProcessStat(pid_t pid) {
  proc_bsdinfo info = {};
  const int size = ::proc_pidinfo(pid, PROC_PIDTBSDINFO, /*arg=*/0, &info, sizeof info);
  if (size != static_cast<int>(sizeof info)) {
    if (errno == ESRCH) return std::optional<ProcessStat>();
    return ErrnoError("look at process " + std::to_string(pid));
  }
  ProcessStat stat;
  stat.start_ticks = info.pbi_start_tvsec * 1'000'000ULL + info.pbi_start_tvusec;
  stat.state = info.pbi_status == SZOMB ? 'Z' : 'R';
  stat.parent = static_cast<pid_t>(info.pbi_ppid);
  return std::optional<ProcessStat>(stat);
}

Result<ProcessHandle> ProcessHandle::Adopt(pid_t pid) {
  Fd queue(::kqueue());  // not inherited over fork by definition
  if (!queue.valid()) return ErrnoError("make a kqueue");
  struct kevent change = {};
  EV_SET(&change, pid, EVFILT_PROC, EV_ADD | EV_ENABLE, NOTE_EXIT, 0, nullptr);
  if (::kevent(queue.get(), &change, 1, nullptr, 0, nullptr) != 0) {
    return ErrnoError("open process " + std::to_string(pid));
  }
  BOXLITE_ASSIGN_OR_RETURN(ProcessIdentity identity, IdentityOf(pid));
  return ProcessHandle(std::move(queue), identity);
}

Status ProcessHandle::Signal(int signal_number) const {
  Result<std::optional<ProcessStat>> stat = ReadProcessStat(identity_.pid);
  if (!stat.ok()) return std::move(stat).error();
  if (!stat->has_value() || (*stat)->start_ticks != identity_.start_ticks)
    return {};  // it has ended
  if (::kill(identity_.pid, signal_number) != 0 && errno != ESRCH) {
    return ErrnoError("signal a process");
  }
  return {};
}

}  // namespace boxlite

#endif  // __APPLE__

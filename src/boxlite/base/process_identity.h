// Who a process is, beyond a number that the kernel will give to somebody else: the boot it runs in
// and the tick it started at, both compared exactly. Never epoch seconds, a name, argv or environ.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

struct ProcessIdentity {
  pid_t pid = 0;
  // Linux: /proc/<pid>/stat field 22, clock ticks after boot. macOS: microseconds of the start
  // time.
  std::uint64_t start_ticks = 0;

  bool operator==(const ProcessIdentity&) const = default;
};

// Where a pid means something. Recorded once with a process and compared before its pid is used.
struct HostIdentity {
  std::string boot_id;               // /proc/sys/kernel/random/boot_id; macOS: kern.bootsessionuuid
  std::uint64_t pid_namespace = 0;   // inode of /proc/self/ns/pid; macOS: 0
  std::uint64_t time_namespace = 0;  // inode of /proc/self/ns/time; 0 where the kernel has none

  bool operator==(const HostIdentity&) const = default;
};

// kSame, kDifferent (the pid is somebody else's now), kAbsent (no such process, or a zombie), and
// kCannotTell: the caller may then neither delete evidence nor signal without a second proof.
enum class IdentityVerdict { kSame, kDifferent, kAbsent, kCannotTell };

Result<HostIdentity> CurrentHostIdentity();

// What the kernel says of a pid right now. nullopt: no such process. Zombies are marked 'Z'.
struct ProcessStat {
  std::uint64_t start_ticks = 0;
  char state = '?';
  pid_t parent = 0;
  // Linux only.
  std::string name;             // of its own choice: any bytes
  std::uint64_t cpu_ticks = 0;  // in user and system mode; a second has sysconf(_SC_CLK_TCK)
  std::uint64_t resident_pages = 0;
};
Result<std::optional<ProcessStat>> ReadProcessStat(pid_t pid);

// Linux only. Takes the text of /proc/<pid>/stat apart: after the last ')', since a process may
// name itself anything. kCorrupt for text that is no such line.
Result<ProcessStat> ParseProcessStat(std::string_view text);

Result<ProcessIdentity> IdentityOf(pid_t pid);  // kNotFound when there is none

// Whether `recorded`, made on `recorded_host`, is alive now, seen from `here`. A pid <= 1, a
// foreign boot (kAbsent: nothing survives a boot) and foreign namespaces (kCannotTell) are handled.
IdentityVerdict CheckIdentity(const ProcessIdentity& recorded, const HostIdentity& recorded_host,
                              const HostIdentity& here);

// A handle to a process that no reuse of the pid can redirect: opened first, *then* the identity is
// checked again, so a signal through it cannot reach a stranger. On macOS, which has no pidfd, it
// is a kqueue that tells of the end, and Signal() compares the start time right before it signals:
// a window of microseconds stays open there.
class ProcessHandle {
 public:
  // kNotFound: absent or different. kUnavailable: cannot tell.
  static Result<ProcessHandle> Open(const ProcessIdentity& recorded,
                                    const HostIdentity& recorded_host);
  static Result<ProcessHandle> Adopt(pid_t pid);  // a live child of ours

  int fd() const { return fd_.get(); }     // readable when the process has ended
  Status Signal(int signal_number) const;  // an ended process is fine
  // True when it has ended within `milliseconds` (0: look, -1: without limit).
  Result<bool> WaitEnded(int milliseconds) const;

 private:
  ProcessHandle(Fd fd, ProcessIdentity identity) : fd_(std::move(fd)), identity_(identity) {}
  Fd fd_;
  ProcessIdentity identity_;  // when it was opened; only macOS looks at it
};

}  // namespace boxlite

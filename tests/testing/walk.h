// Walk: what is left on this machine of a test's home, found without any of the product's code: by
// /proc's descriptors and by the kernel's own list of locks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace boxlite::testing {

struct Leftover {
  pid_t pid = 0;
  std::string exe;
  std::string why;  // the open path
};

// Processes but this one that have anything open, mapped or as working directory below `directory`
// (deleted files too).
std::vector<Leftover> FindProcessesBelow(const std::string& directory);

// Files below `directory` on which the kernel lists an OFD lock (/proc/locks), by path.
std::vector<std::string> FindLockedFiles(const std::string& directory);

// Waits, by pidfd, until no process is left below `directory`; then looks at the locks. Returns
// what is left after `patience_ms`, in words; empty: nothing.
std::string DescribeLeftovers(const std::string& directory, int patience_ms);

// Hash over the paths, kinds, sizes, modification times, link targets and contents of all below
// `directory`.
std::string Fingerprint(const std::string& directory);

// SIGKILL (or another signal) through a pidfd, when the process still started at `start_ticks`.
bool SignalProcess(pid_t pid, std::uint64_t start_ticks, int number);
// Field 22 of /proc/<pid>/stat; 0: no such process.
std::uint64_t StartTicks(pid_t pid);
// 'R', 'S', 'T', 'Z', …; 0: no such process.
char ProcessState(pid_t pid);
// Blocks until it has ended (reaped or not), at most `patience_ms`.
bool AwaitProcessEnd(pid_t pid, std::uint64_t start_ticks, int patience_ms);

}  // namespace boxlite::testing

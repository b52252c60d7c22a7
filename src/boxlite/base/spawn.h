// Starting a program: everything it inherits is said here, everything else is closed or reset.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

struct InheritedFd {
  int source = -1;  // ours; may be close-on-exec
  int target = -1;  // its number in the program, below 64
};

// A copy of this process that sends nobody SIGCHLD and that no wait() of an embedder's for any
// child takes away, until it executes a program: only a wait with __WALL sees it. What glibc's
// fork() runs (pthread_atfork) is left out. The copy may only make system calls.
pid_t QuietFork();

enum class Parentage {
  kChild,         // ours: the caller waits for it (by pidfd and waitid(P_PIDFD), never waitpid(-1))
  kNobodysChild,  // double fork and a session of its own: init reaps it, no signal of ours reaches
                  // it
};

struct SpawnRequest {
  std::vector<std::string> argv;         // argv[0] is a path; no search
  std::vector<std::string> environment;  // complete, KEY=VALUE
  std::vector<InheritedFd> fds;          // 0, 1, 2 are /dev/null unless named
  Parentage parentage = Parentage::kChild;
  // Sent to the program when the *thread* that called Spawn() ends (prctl PR_SET_PDEATHSIG); 0:
  // none. Only for kChild. A parent that ended before it was set is noticed: the program is never
  // run.
  int parent_death_signal = 0;
};

// Returns when the program has been executed; its pid for kChild, 0 for kNobodysChild. In it all
// signal dispositions are default, the mask is empty, umask is 0077, and no other descriptor is
// open. After an error nothing runs. Safe in a program with threads: the child calls
// async-signal-safe functions only.
Result<pid_t> Spawn(const SpawnRequest& request);

// Runs a short program to its end. Returns its output (stdout and stderr together, at most 64 KiB),
// or an error that contains it when the exit code is not 0.
Result<std::string> RunProgram(const std::vector<std::string>& argv,
                               const std::vector<InheritedFd>& fds = {});

}  // namespace boxlite

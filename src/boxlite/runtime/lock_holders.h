// Who holds an OFD lock: the second proof of a process's part in a box, when its record cannot be
// used. F_OFD_GETLK names no pid; /proc/<pid>/fdinfo says which descriptors carry the lock.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "boxlite/base/process_identity.h"
#include "boxlite/base/result.h"

namespace boxlite {

struct LockHolderProcess {
  pid_t pid = 0;
  std::string name;      // /proc/<pid>/comm, for messages only
  ProcessHandle handle;  // opened before the lock was seen: cannot be another process
};

// The processes that carry a lock on the file `name` in `dir_fd`, this one excluded. Walks /proc:
// some milliseconds. Processes of other users cannot be seen by an unprivileged caller.
Result<std::vector<LockHolderProcess>> FindLockHolders(int dir_fd, const std::string& name);

// Whether this one process carries a lock on that file. False when it cannot be seen.
bool CarriesLock(pid_t pid, int dir_fd, const std::string& name);

// "qemu-system-x86 (pid 4711)", joined; for errors.
std::string DescribeHolders(const std::vector<LockHolderProcess>& holders);

}  // namespace boxlite

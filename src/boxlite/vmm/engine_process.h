// EngineProcess: the process of a machine as a child of the shim: watched and signalled through its
// pidfd, killed and reaped at the latest when this is destroyed.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <string>
#include <vector>

#include "boxlite/base/spawn.h"
#include "boxlite/vmm/vmm.h"

namespace boxlite {

class EngineProcess {
 public:
  // Spawns with the parent-death signal SIGKILL: a shim's death takes its machine along.
  static Result<kj::Own<EngineProcess>> Start(std::vector<std::string> argv,
                                              std::vector<InheritedFd> fds,
                                              kj::UnixEventPort& event_port);
  EngineProcess(ProcessIdentity identity, ProcessHandle handle, kj::UnixEventPort& event_port);
  ~EngineProcess() noexcept(false);

  const ProcessIdentity& identity() const { return identity_; }
  kj::Promise<VmExit> WhenEnded() { return ended_.addBranch(); }
  void Kill();

 private:
  VmExit Reap();

  ProcessIdentity identity_;
  ProcessHandle handle_;
  kj::UnixEventPort::FdObserver observer_;
  bool reaped_ = false;
  kj::ForkedPromise<VmExit> ended_;
};

}  // namespace boxlite

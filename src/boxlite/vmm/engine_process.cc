#include "boxlite/vmm/engine_process.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <cerrno>

namespace boxlite {

std::string VmExit::Describe() const {
  if (signal) {
    const char* description = ::sigdescr_np(*signal);
    return "was ended by signal " + std::to_string(*signal) +
           (description != nullptr ? std::string(" (") + description + ")" : "");
  }
  if (code) return "exited with code " + std::to_string(*code);
  return "ended in an unknown way";
}

Result<kj::Own<EngineProcess>> EngineProcess::Start(std::vector<std::string> argv,
                                                    std::vector<InheritedFd> fds,
                                                    kj::UnixEventPort& event_port) {
  SpawnRequest request;
  request.argv = std::move(argv);
  request.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  request.fds = std::move(fds);
  request.parent_death_signal = SIGKILL;
  BOXLITE_ASSIGN_OR_RETURN(pid_t pid, Spawn(request));
  // Ours and not yet reaped: the pid cannot be anybody else's.
  Result<ProcessIdentity> identity = IdentityOf(pid);
  Result<ProcessHandle> handle = ProcessHandle::Adopt(pid);
  if (!identity.ok() || !handle.ok()) {
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return identity.ok() ? std::move(handle).error() : std::move(identity).error();
  }
  return kj::heap<EngineProcess>(*identity, std::move(*handle), event_port);
}

EngineProcess::EngineProcess(ProcessIdentity identity, ProcessHandle handle,
                             kj::UnixEventPort& event_port)
    : identity_(identity),
      handle_(std::move(handle)),
      observer_(event_port, handle_.fd(), kj::UnixEventPort::FdObserver::OBSERVE_READ),
      ended_(observer_.whenBecomesReadable().then([this]() { return Reap(); }).fork()) {}

EngineProcess::~EngineProcess() noexcept(false) {
  if (reaped_) return;
  Kill();
  static_cast<void>(Reap());
}

void EngineProcess::Kill() {
  if (!reaped_) static_cast<void>(handle_.Signal(SIGKILL).ok());
}

VmExit EngineProcess::Reap() {
  siginfo_t info = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(handle_.fd()), &info, WEXITED) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  VmExit exit;
  if (info.si_code == CLD_EXITED) {
    exit.code = info.si_status;
  } else if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) {
    exit.signal = info.si_status;
  }
  return exit;
}

}  // namespace boxlite

#include <unistd.h>

#include "boxlite/vmm/engine_process.h"
#include "boxlite/vmm/qemu_command.h"
#include "boxlite/vmm/qmp_client.h"
#include "boxlite/vmm/vmm.h"

namespace boxlite {
namespace {

kj::Own<kj::AsyncIoStream> Wrap(kj::LowLevelAsyncIoProvider& io, Fd socket) {
  return io.wrapSocketFd(socket.Release(), kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP |
                                               kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
}

class QemuVm final : public LiveVm {
 public:
  QemuVm(kj::Own<EngineProcess> process, kj::Own<kj::AsyncIoStream> agent_port,
         kj::Own<kj::AsyncIoStream> monitor)
      : agent_port_(kj::mv(agent_port)), qmp_(kj::mv(monitor)), process_(kj::mv(process)) {}

  ProcessIdentity identity() const override { return process_->identity(); }
  kj::AsyncIoStream& agent_port() override { return *agent_port_; }
  kj::Promise<VmExit> WhenEnded() override { return process_->WhenEnded(); }
  kj::Promise<void> RequestQuit() override { return qmp_.Execute("quit").ignoreResult(); }
  kj::Promise<std::uint64_t> WrittenBytes() override {
    return qmp_.Execute("query-blockstats").then([](std::string&& answer) {
      return SumWrittenBytes(answer);
    });
  }
  void Kill() override { process_->Kill(); }

 private:
  kj::Own<kj::AsyncIoStream> agent_port_;
  QmpClient qmp_;
  kj::Own<EngineProcess> process_;  // last: ends first
};

class QemuVmm final : public Vmm {
 public:
  QemuVmm(std::string program, kj::LowLevelAsyncIoProvider& io, kj::UnixEventPort& event_port)
      : program_(std::move(program)), io_(io), event_port_(event_port) {}

  Result<kj::Own<LiveVm>> Start(const VmConfig& config) override {
    BOXLITE_ASSIGN_OR_RETURN(FdPair agent, MakeSocketPair());
    BOXLITE_ASSIGN_OR_RETURN(FdPair monitor, MakeSocketPair());
    std::vector<InheritedFd> fds = {
        {agent.second.get(), kQemuAgentFd},   {monitor.second.get(), kQemuMonitorFd},
        {config.vm_lock_fd, kQemuVmLockFd},   {config.box_dir_fd, kQemuBoxDirFd},
        {config.base_dir_fd, kQemuBaseDirFd}, {config.console_fd, kQemuConsoleFd},
        {config.log_fd, STDERR_FILENO}};
    BOXLITE_ASSIGN_OR_RETURN(kj::Own<EngineProcess> process,
                             EngineProcess::Start(QemuCommand(program_, kMicrovmProfile, config),
                                                  std::move(fds), event_port_));
    return kj::Own<LiveVm>(kj::heap<QemuVm>(kj::mv(process), Wrap(io_, std::move(agent.first)),
                                            Wrap(io_, std::move(monitor.first))));
  }

 private:
  std::string program_;
  kj::LowLevelAsyncIoProvider& io_;
  kj::UnixEventPort& event_port_;
};

}  // namespace

kj::Own<Vmm> NewQemuVmm(std::string program, kj::LowLevelAsyncIoProvider& io,
                        kj::UnixEventPort& event_port) {
  return kj::heap<QemuVmm>(std::move(program), io, event_port);
}

}  // namespace boxlite

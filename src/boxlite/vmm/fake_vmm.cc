// FakeVmm: the tests' engine, a real child process in QEMU's place (tests/testing/fake_engine).
#include <unistd.h>

#include "boxlite/vmm/engine_process.h"
#include "boxlite/vmm/qemu_command.h"
#include "boxlite/vmm/vmm.h"

namespace boxlite {
namespace {

class FakeVm final : public LiveVm {
 public:
  FakeVm(kj::Own<EngineProcess> process, kj::Own<kj::AsyncIoStream> agent_port,
         kj::Own<kj::AsyncIoStream> control)
      : agent_port_(kj::mv(agent_port)), control_(kj::mv(control)), process_(kj::mv(process)) {}

  ProcessIdentity identity() const override { return process_->identity(); }
  kj::AsyncIoStream& agent_port() override { return *agent_port_; }
  kj::Promise<VmExit> WhenEnded() override { return process_->WhenEnded(); }
  kj::Promise<void> RequestQuit() override { return control_->write("q", 1); }
  kj::Promise<std::uint64_t> WrittenBytes() override {
    return control_->write("w", 1)
        .then([this]() { return control_->read(&written_, sizeof written_); })
        .then([this]() { return written_; });
  }
  void Kill() override { process_->Kill(); }

 private:
  kj::Own<kj::AsyncIoStream> agent_port_;
  kj::Own<kj::AsyncIoStream> control_;
  std::uint64_t written_ = 0;
  kj::Own<EngineProcess> process_;  // last: ends first
};

class FakeVmm final : public Vmm {
 public:
  FakeVmm(std::string program, kj::LowLevelAsyncIoProvider& io, kj::UnixEventPort& event_port)
      : program_(std::move(program)), io_(io), event_port_(event_port) {}

  Result<kj::Own<LiveVm>> Start(const VmConfig& config) override {
    BOXLITE_ASSIGN_OR_RETURN(FdPair agent, MakeSocketPair());
    BOXLITE_ASSIGN_OR_RETURN(FdPair control, MakeSocketPair());
    BOXLITE_ASSIGN_OR_RETURN(kj::Own<EngineProcess> process,
                             EngineProcess::Start({program_},
                                                  {{agent.second.get(), kQemuAgentFd},
                                                   {control.second.get(), kQemuMonitorFd},
                                                   {config.vm_lock_fd, kQemuVmLockFd},
                                                   {config.box_dir_fd, kQemuBoxDirFd},
                                                   {config.log_fd, STDERR_FILENO}},
                                                  event_port_));
    const unsigned flags =
        kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC;
    auto agent_port = io_.wrapSocketFd(agent.first.Release(), flags);
    return kj::Own<LiveVm>(kj::heap<FakeVm>(kj::mv(process), kj::mv(agent_port),
                                            io_.wrapSocketFd(control.first.Release(), flags)));
  }

 private:
  std::string program_;
  kj::LowLevelAsyncIoProvider& io_;
  kj::UnixEventPort& event_port_;
};

}  // namespace

kj::Own<Vmm> NewFakeVmm(std::string program, kj::LowLevelAsyncIoProvider& io,
                        kj::UnixEventPort& event_port) {
  return kj::heap<FakeVmm>(std::move(program), io, event_port);
}

}  // namespace boxlite

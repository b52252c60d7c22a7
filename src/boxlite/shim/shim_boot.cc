// The steps of a start: disk, engine, guest, main.
#include <fcntl.h>
#include <kj/debug.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/base/spawn.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/shim/shim.h"
#include "boxlite/shim/sinks.h"
#include "boxlite/vmm/accelerator.h"

namespace boxlite {
namespace {

// What a failed boot shows of the guest's console.
constexpr std::size_t kConsoleTailBytes = 1024;
constexpr char kConsoleLog[] = "console.log";
constexpr char kMainId[] = "main";

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

Status Shim::EnsureDisk() {
  stage_ = "disk";
  struct stat info = {};
  if (::fstatat(inheritance_.box.get(), kDiskFile, &info, AT_SYMLINK_NOFOLLOW) == 0) return {};
  const std::string temporary = std::string(".new-") + kDiskFile;
  ::unlinkat(inheritance_.box.get(), temporary.c_str(), 0);
  if (birth_.engine_kind == "fake") {
    Fd disk(::openat(inheritance_.box.get(), temporary.c_str(),
                     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!disk.valid()) return ErrnoError("make the box's disk");
  } else {
    // No backing file in the header: a home may be moved, and the engine is told the base at each
    // start.
    constexpr int kTargetFd = 3;
    BOXLITE_ASSIGN_OR_RETURN(
        std::string output,
        RunProgram({DirectoryOf(birth_.engine_program) + "/qemu-img", "create", "-q", "-f", "qcow2",
                    "/proc/self/fd/" + std::to_string(kTargetFd) + "/" + temporary,
                    std::to_string(birth_.spec.disk_bytes)},
                   {{inheritance_.box.get(), kTargetFd}}));
    static_cast<void>(output);
  }
  if (::renameat(inheritance_.box.get(), temporary.c_str(), inheritance_.box.get(), kDiskFile) !=
      0) {
    return ErrnoError("make the box's disk");
  }
  return {};
}

Result<kj::Own<Machine>> Shim::StartMachine(Accelerator accelerator) {
  stage_ = "engine";
  vmm_ = birth_.engine_kind == "fake"
             ? NewFakeVmm(birth_.engine_program, *io_.lowLevelProvider, io_.unixEventPort)
             : NewQemuVmm(birth_.engine_program, *io_.lowLevelProvider, io_.unixEventPort);
  Fd console(
      ::openat(life_->life_fd(), kConsoleLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!console.valid()) return ErrnoError("make console.log");
  VmConfig config;
  config.accelerator = accelerator;
  config.cpus = birth_.spec.cpus;
  config.memory_mib = birth_.spec.memory_mib;
  config.tsc_khz = accelerator == Accelerator::kTcg ? birth_.tsc_khz : 0;
  config.kernel_path = birth_.kernel_path;
  config.initramfs_path = birth_.initramfs_path;
  config.box_dir_fd = inheritance_.box.get();
  config.overlay_name = kDiskFile;
  config.base_dir_fd = inheritance_.base.get();
  config.base_name = birth_.base_name;
  config.vm_lock_fd = life_->vm_lock_fd();
  config.console_fd = console.get();
  config.log_fd = STDERR_FILENO;
  BOXLITE_ASSIGN_OR_RETURN(kj::Own<LiveVm> vm, vmm_->Start(config));
  BOXLITE_FAILPOINT("shim.engine");
  const ProcessIdentity identity = vm->identity();
  auto machine = kj::heap<Machine>(kj::mv(vm), timer_);
  BOXLITE_RETURN_IF_ERROR(
      life_->SetMachine(identity, accelerator == Accelerator::kKvm ? "kvm" : "tcg"));
  return kj::mv(machine);
}

kj::Promise<void> Shim::BootMachine(Accelerator accelerator) {
  Result<kj::Own<Machine>> machine = StartMachine(accelerator);
  if (!machine.ok()) return AsException(machine.error());
  machine_ = kj::mv(*machine);
  stage_ = "guest";
  const bool may_fall_back = accelerator == Accelerator::kKvm && !birth_.accelerator_demanded;
  const auto deadline =
      may_fall_back ? kKvmFirstBootDeadline : std::chrono::milliseconds(birth_.boot_deadline_ms);
  kj::Promise<void> late =
      timer_.afterDelay(AsDuration(deadline)).then([deadline]() -> kj::Promise<void> {
        return AsException(
            Error(ErrorCode::kTimeout, "the guest did not answer within " +
                                           std::to_string(deadline.count()) +
                                           " ms (BOXLITE_BOOT_TIMEOUT_MS sets the limit)"));
      });
  return OrMachineEnds(machine_->Greet()).exclusiveJoin(kj::mv(late)).then([this]() {
    life_->NoteGuestAnswered();
  });
}

kj::Promise<void> Shim::BootOrFallBack() {
  const bool kvm = birth_.accelerator == "kvm";
  kj::Promise<void> booted = BootMachine(kvm ? Accelerator::kKvm : Accelerator::kTcg);
  if (!kvm || birth_.accelerator_demanded) return booted;
  return booted.catch_([this](kj::Exception&& exception) -> kj::Promise<void> {
    // An engine that could not even be started is no matter of its accelerator.
    if (machine_.get() == nullptr) return kj::mv(exception);
    const std::string reason = FromStep(exception).message();
    KJ_LOG(WARNING, "KVM did not boot a guest; falling back to emulation", reason.c_str());
    static_cast<void>(RememberKvmFailure(birth_.engine_build, inheritance_.home.fd(), reason).ok());
    machine_->vm().Kill();
    return machine_->vm().WhenEnded().then([this](VmExit&&) -> kj::Promise<void> {
      machine_ = nullptr;
      if (birth_.tsc_khz == 0) {
        Result<std::uint64_t> tsc = MeasureTscKhz();
        if (tsc.ok()) birth_.tsc_khz = *tsc;
      }
      return BootMachine(Accelerator::kTcg);
    });
  });
}

kj::Promise<void> Shim::StartMain() {
  stage_ = "main";
  Machine::Program program;
  program.role = wire::Agent::Role::MAIN;
  program.id = kMainId;
  program.argv = birth_.spec.argv;
  program.env = birth_.spec.env;
  program.working_dir = birth_.spec.working_dir;
  program.user = birth_.spec.user;
  if (birth_.spec.terminal) program.terminal = birth_.terminal_size;
  Machine::Starting starting =
      machine_->StartProgram(program, NewLogSink(log_, gate_, LogStream::kStdout),
                             NewLogSink(log_, gate_, LogStream::kStderr));
  return starting.executed.then(
      [this, main = kj::mv(starting.process)]() mutable -> kj::Promise<void> {
        main_ = kj::mv(main);
        if (birth_.main_input == MainInput::kEndsAtOnce) {
          auto sink = main_->stdinRequest().send().getSink();
          tasks_.add(sink.endRequest().send().ignoreResult().catch_([](kj::Exception&&) {}));
        }
        BOXLITE_FAILPOINT("shim.main");
        main_end_ = RecordMainEnd().fork();
        life_->NoteMainStarted();
        if (Status phase = life_->SetPhase(Phase::kMainStarted); !phase.ok()) {
          return AsException(phase.error());
        }
        return kj::READY_NOW;
      });
}

kj::Promise<void> Shim::Boot() {
  if (Status disk = EnsureDisk(); !disk.ok()) return AsException(disk.error());
  BOXLITE_FAILPOINT("shim.disk");
  return BootOrFallBack().then([this]() {
    // The guest answers: from here on its death is the machine's end, its silence the boot
    // deadline.
    kj::Promise<void> prepared =
        machine_->Personalise(birth_)
            .then([this]() {
              BOXLITE_FAILPOINT("shim.personalised");
              stage_ = "root";
              return machine_->MountRoot();
            })
            .then([this]() -> kj::Promise<void> {
              if (Status phase = life_->SetPhase(Phase::kReady); !phase.ok()) {
                return AsException(phase.error());
              }
              BOXLITE_FAILPOINT("shim.ready");
              return StartMain();
            });
    kj::Promise<void> late =
        timer_.afterDelay(birth_.boot_deadline_ms * kj::MILLISECONDS)
            .then([]() -> kj::Promise<void> {
              return AsException(Error(ErrorCode::kTimeout, "the guest stopped answering"));
            });
    return OrMachineEnds(kj::mv(prepared)).exclusiveJoin(kj::mv(late));
  });
}

std::string Shim::ConsoleTail() const {
  Fd console(::openat(life_->life_fd(), kConsoleLog, O_RDONLY | O_CLOEXEC));
  if (!console.valid()) return "";
  const off_t size = ::lseek(console.get(), 0, SEEK_END);
  if (size <= 0) return "; the guest's console is empty";
  const off_t begin = size > static_cast<off_t>(kConsoleTailBytes)
                          ? size - static_cast<off_t>(kConsoleTailBytes)
                          : 0;
  char buffer[kConsoleTailBytes];
  const ssize_t count = ::pread(console.get(), buffer, sizeof buffer, begin);
  if (count <= 0) return "";
  return "; the guest's console ends: " + PrintableText({buffer, static_cast<std::size_t>(count)});
}

}  // namespace boxlite

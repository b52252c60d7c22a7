// TryKvm: a guest of some instructions in long mode, run in a process of its own. A KVM that opens
// may still be unable to run a 64-bit kernel: some software KVMs emulate ring 0 instruction by
// instruction, fail at the first SSE store, or are hundreds of times too slow.
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/process_identity.h"
#include "boxlite/base/spawn.h"
#include "boxlite/vmm/accelerator.h"

namespace boxlite {

#if defined(__x86_64__)
namespace {

// Hardware runs a million iterations in about a millisecond, KVM under an emulated host in eleven;
// what needs longer than this runs no kernel in a useful time.
constexpr int kDeadlineMs = 250;
constexpr std::size_t kGuestBytes = 2 * 1024 * 1024;
constexpr std::uint64_t kPageTables = 0x1000;  // PML4, PDPT and PD in three pages
constexpr std::uint64_t kCode = 0x8000;
constexpr std::uint64_t kStack = 0x20000;
constexpr std::uint16_t kMagicPort = 0x80;
constexpr std::uint8_t kMagic = 0x5A;

// mov ecx, 1000000; l: dec ecx; jnz l; movaps [0x10000], xmm0; mov al, 0x5A; out 0x80, al; hlt
constexpr std::uint8_t kProgram[] = {0xB9, 0x40, 0x42,   0x0F, 0x00,       0xFF, 0xC9, 0x75,
                                     0xFC, 0x0F, 0x29,   0x04, 0x25,       0x00, 0x00, 0x01,
                                     0x00, 0xB0, kMagic, 0xE6, kMagicPort, 0xF4};

void Write64(std::uint8_t* memory, std::uint64_t address, std::uint64_t value) {
  std::memcpy(memory + address, &value, sizeof value);
}

void FillMemory(std::uint8_t* memory) {
  constexpr std::uint64_t kPresentWritable = 3;
  constexpr std::uint64_t kLargePage = 0x80;
  Write64(memory, kPageTables, (kPageTables + 0x1000) | kPresentWritable);
  Write64(memory, kPageTables + 0x1000, (kPageTables + 0x2000) | kPresentWritable);
  Write64(memory, kPageTables + 0x2000, kPresentWritable | kLargePage);
  std::memcpy(memory + kCode, kProgram, sizeof kProgram);
}

kvm_segment Segment(std::uint8_t type, std::uint16_t selector, bool code) {
  kvm_segment segment = {};
  segment.limit = 0xFFFFFFFF;
  segment.selector = selector;
  segment.type = type;
  segment.present = 1;
  segment.s = 1;
  segment.g = 1;
  segment.l = code ? 1 : 0;
  segment.db = code ? 0 : 1;
  return segment;
}

bool EnterLongMode(int vcpu) {
  kvm_sregs sregs = {};
  if (::ioctl(vcpu, KVM_GET_SREGS, &sregs) != 0) return false;
  sregs.cr3 = kPageTables;
  sregs.cr4 = 0x20 | 0x200 | 0x400;           // PAE, OSFXSR, OSXMMEXCPT
  sregs.cr0 = 0x80000000 | 0x1 | 0x2 | 0x20;  // PG, PE, MP, NE
  sregs.efer = 0x100 | 0x400;                 // LME, LMA
  sregs.cs = Segment(11, 0x8, true);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = Segment(3, 0x10, false);
  if (::ioctl(vcpu, KVM_SET_SREGS, &sregs) != 0) return false;
  kvm_regs regs = {};
  regs.rip = kCode;
  regs.rsp = kStack;
  regs.rflags = 2;
  return ::ioctl(vcpu, KVM_SET_REGS, &regs) == 0;
}

// Runs in the child: says in words where it failed, or nothing.
const char* RunMicroGuest(int kvm) {
  if (::ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) return "an unknown KVM version";
  const int vm = ::ioctl(kvm, KVM_CREATE_VM, 0);
  if (vm < 0) return "no machine could be created";
  void* memory =
      ::mmap(nullptr, kGuestBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return "no memory";
  FillMemory(static_cast<std::uint8_t*>(memory));
  kvm_userspace_memory_region region = {};
  region.memory_size = kGuestBytes;
  region.userspace_addr = reinterpret_cast<std::uint64_t>(memory);
  if (::ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) != 0) return "no guest memory";
  const int vcpu = ::ioctl(vm, KVM_CREATE_VCPU, 0);
  if (vcpu < 0) return "no virtual cpu could be created";
  const int run_bytes = ::ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (run_bytes <= 0) return "no run area";
  void* area = ::mmap(nullptr, static_cast<std::size_t>(run_bytes), PROT_READ | PROT_WRITE,
                      MAP_SHARED, vcpu, 0);
  if (area == MAP_FAILED) return "no run area";
  if (!EnterLongMode(vcpu)) return "long mode was refused";
  auto* run = static_cast<kvm_run*>(area);
  if (::ioctl(vcpu, KVM_RUN, 0) != 0) return "the guest could not be run";
  if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
    return "an instruction of 64-bit code was refused";
  if (run->exit_reason != KVM_EXIT_IO || run->io.port != kMagicPort) return "the guest went astray";
  const auto* data = static_cast<const std::uint8_t*>(area) + run->io.data_offset;
  return *data == kMagic ? nullptr : "the guest computed a wrong value";
}

[[noreturn]] void ProbeChild(int kvm, int out) {
  const char* failure = RunMicroGuest(kvm);
  if (failure == nullptr) failure = "";
  static_cast<void>(!::write(out, failure, std::strlen(failure) + 1));
  ::_exit(0);
}

// The words of the child within the deadline; nullopt: it hangs or died.
std::optional<std::string> ReadVerdict(int pipe) {
  pollfd poller = {pipe, POLLIN, 0};
  int ready;
  do {
    ready = ::poll(&poller, 1, kDeadlineMs);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return std::nullopt;
  char text[128];
  const ssize_t count = ::read(pipe, text, sizeof text);
  if (count <= 0) return std::nullopt;
  return std::string(text, static_cast<std::size_t>(count) - 1);
}

}  // namespace

Status TryKvm() {
  Fd kvm(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!kvm.valid()) {
    if (errno == EACCES || errno == EPERM) {
      return Error(ErrorCode::kPermissionDenied,
                   "/dev/kvm is not open to this user: join the group that owns it (often `kvm`)");
    }
    return ErrnoError("/dev/kvm");
  }
  BOXLITE_ASSIGN_OR_RETURN(FdPair pipe, MakePipe());
  const pid_t child = QuietFork();
  if (child < 0) return ErrnoError("fork for the KVM trial");
  // Nothing but system calls and memcpy in the child: the caller may have threads.
  if (child == 0) ProbeChild(kvm.get(), pipe.second.get());
  pipe.second.Reset();
  const std::optional<std::string> verdict = ReadVerdict(pipe.first.get());
  Result<ProcessHandle> handle = ProcessHandle::Adopt(child);
  if (handle.ok()) static_cast<void>(handle->Signal(SIGKILL).ok());
  while (::waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  if (!verdict) {
    return Error(ErrorCode::kUnavailable, "/dev/kvm opens, but a trial guest did not finish in " +
                                              std::to_string(kDeadlineMs) + " ms");
  }
  if (!verdict->empty()) {
    return Error(ErrorCode::kUnavailable, "/dev/kvm opens, but a trial guest failed: " + *verdict);
  }
  return {};
}

#else

Status TryKvm() {
  return Error(ErrorCode::kUnsupported, "there is no KVM trial for this processor yet");
}

#endif

}  // namespace boxlite

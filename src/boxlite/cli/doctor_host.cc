// The part of the examination that looks at the kernel, the engine and boxlite's own files.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "boxlite/base/fd.h"
#include "boxlite/base/files.h"
#include "boxlite/cli/doctor_parts.h"
#include "boxlite/cli/units.h"
#include "boxlite/runtime/engine_choice.h"
#include "boxlite/runtime/home.h"
#include "boxlite/vmm/accelerator.h"

namespace boxlite::cli {
namespace {

// A box's supervisor and a following client take one each; below it others have none left.
constexpr std::uint64_t kFewInotifyInstances = 64;
// A client that lists a thousand boxes, or runs one with its pipes, stays far below.
constexpr std::uint64_t kFewDescriptors = 256;
// One box of the default size.
constexpr std::uint64_t kLittleMemoryKib = 768 * 1024;

Finding CheckSystem() {
  utsname host = {};
  ::uname(&host);
  const std::string detail = std::string(host.sysname) + " " + host.release + " on " + host.machine;
  if (std::strcmp(host.sysname, "Linux") != 0 || std::strcmp(host.machine, "x86_64") != 0) {
    return {"system", Health::kFail, detail, "boxes run on Linux on x86-64 only in this version"};
  }
  const Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self.valid()) {
    return {"system", Health::kFail, detail + ", without pidfd_open: " + std::strerror(errno),
            "use a kernel of 5.6 or later, and a seccomp filter that lets pidfd_open pass"};
  }
  return {"system", Health::kOk, detail, ""};
}

Finding CheckKvmDevice() {
  const Fd device(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (device.valid()) return {"kvm-device", Health::kOk, "/dev/kvm opens", ""};
  const int error = errno;
  const std::string detail = std::string("/dev/kvm: ") + std::strerror(error);
  if (error == EACCES || error == EPERM) {
    return {"kvm-device", Health::kWarn, detail,
            "join the group that owns it (often: usermod -aG kvm $USER, then log in again)"};
  }
  return {"kvm-device", Health::kWarn, detail,
          "turn on virtualization in the firmware, or nested virtualization for this machine"};
}

Finding CheckKvmTrial(bool device_opens) {
  if (!device_opens) {
    return {"kvm", Health::kWarn, "not tried; boxes are emulated, which is slower", ""};
  }
  Status trial = TryKvm();
  if (trial.ok()) return {"kvm", Health::kOk, "a trial guest ran in 64-bit mode", ""};
  return {"kvm", Health::kWarn, trial.error().message() + "; boxes are emulated, which is slower",
          "nothing need be done; on a host with whole KVM boxes start several times faster"};
}

void CheckEngine(std::vector<Finding>& findings) {
  Result<QemuBinary> qemu = FindQemu();
  if (!qemu.ok()) {
    findings.push_back(
        {"qemu", Health::kFail, qemu.error().message(), "apt-get install qemu-system-x86"});
    return;
  }
  Result<std::string> version = QemuVersion(qemu->path);
  if (!version.ok()) {
    findings.push_back(
        {"qemu", Health::kFail, version.error().message(), "install QEMU 7.2 or later"});
  } else {
    findings.push_back({"qemu", Health::kOk, qemu->path + ", version " + *version, ""});
  }
  const std::string image_tool = qemu->path.substr(0, qemu->path.rfind('/')) + "/qemu-img";
  if (::access(image_tool.c_str(), X_OK) == 0) {
    findings.push_back({"qemu-img", Health::kOk, image_tool, ""});
  } else {
    findings.push_back({"qemu-img", Health::kFail, image_tool + ": " + std::strerror(errno),
                        "apt-get install qemu-utils"});
  }
}

void CheckOwnFiles(std::vector<Finding>& findings) {
  Result<std::string> libexec = FindLibexec("");
  if (!libexec.ok()) {
    findings.push_back({"helpers", Health::kFail, libexec.error().message(),
                        "install boxlite whole, or set BOXLITE_LIBEXEC"});
    return;
  }
  findings.push_back({"helpers", Health::kOk, *libexec + "/boxlite-shim", ""});
  struct Part {
    const char* check;
    const char* file;
  };
  static constexpr std::array<Part, 4> kParts = {{{"guest-kernel", "vmlinux"},
                                                  {"guest-initramfs", "initramfs.cpio"},
                                                  {"image", "images/base/image.json"},
                                                  {"image-base", "images/base/base.ext4"}}};
  for (const Part& part : kParts) {
    const std::string path = *libexec + "/" + part.file;
    const bool readable = ::access(path.c_str(), R_OK) == 0;
    findings.push_back({part.check, readable ? Health::kOk : Health::kFail,
                        readable ? path : path + ": " + std::strerror(errno),
                        readable ? "" : "build or install boxlite again: the file is its own"});
  }
}

std::uint64_t NumberIn(const char* path) {
  const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Result<std::string> text = ReadFile(root.get(), path + 1, 4096);
  return text.ok() ? std::strtoull(text->c_str(), nullptr, 10) : 0;
}

Finding CheckInotify() {
  const std::uint64_t instances = NumberIn("/proc/sys/fs/inotify/max_user_instances");
  const std::string detail = std::to_string(instances) + " inotify instances for this user";
  if (instances >= kFewInotifyInstances) return {"inotify", Health::kOk, detail, ""};
  return {"inotify", Health::kWarn, detail,
          "raise it: sysctl fs.inotify.max_user_instances=512 (logs -f and run need one each)"};
}

Finding CheckDescriptors() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return {"descriptors", Health::kWarn, std::strerror(errno), ""};
  }
  const std::string detail = std::to_string(limit.rlim_cur) + " open files a process";
  if (limit.rlim_cur >= kFewDescriptors) return {"descriptors", Health::kOk, detail, ""};
  return {"descriptors", Health::kWarn, detail, "raise it: ulimit -n 1024"};
}

Finding CheckMemory() {
  const Fd proc(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Result<std::string> text = ReadFile(proc.get(), "meminfo", 64 * 1024);
  constexpr std::string_view kField = "MemAvailable:";
  const std::size_t at = text.ok() ? text->find(kField) : std::string::npos;
  if (at == std::string::npos) return {"memory", Health::kWarn, "/proc/meminfo cannot be read", ""};
  const std::uint64_t kib = std::strtoull(text->c_str() + at + kField.size(), nullptr, 10);
  const std::string detail = std::to_string(kib / 1024) + " MiB available";
  if (kib >= kLittleMemoryKib) return {"memory", Health::kOk, detail, ""};
  return {"memory", Health::kWarn, detail,
          "a box takes 512 MiB unless --memory says less (96 at least)"};
}

Finding CheckUser() {
  const std::string detail = "user " + std::to_string(::geteuid()) +
                             (::geteuid() == 0 ? " (root; not needed where /dev/kvm is open)" : "");
  return {"user", Health::kOk, detail, ""};
}

}  // namespace

void ExamineMachine(std::vector<Finding>& findings) {
  findings.push_back(CheckSystem());
  findings.push_back(CheckUser());
  findings.push_back(CheckKvmDevice());
  findings.push_back(CheckKvmTrial(findings.back().health == Health::kOk));
  CheckEngine(findings);
  CheckOwnFiles(findings);
  findings.push_back(CheckInotify());
  findings.push_back(CheckDescriptors());
  findings.push_back(CheckMemory());
}

}  // namespace boxlite::cli

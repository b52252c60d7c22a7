// Whether this host can run machines with KVM, found out by trial: /dev/kvm that opens may still
// not run a 64-bit kernel. And which QEMU there is.
#pragma once

#include <cstdint>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/vmm/vmm.h"

namespace boxlite {

enum class AcceleratorRequest { kAuto, kKvm, kTcg };
Result<AcceleratorRequest> ParseAcceleratorRequest(
    const std::string& text);  // "auto", "kvm", "tcg"

// What was found, and why, in words for `doctor` and `info`.
struct AcceleratorVerdict {
  Accelerator accelerator = Accelerator::kTcg;
  std::string reason;  // "the micro guest ran in 2 ms", "no /dev/kvm", "permission denied on ..."
  std::uint64_t tsc_khz = 0;  // the host's TSC, measured; 0 under KVM and on a host without one
  bool from_cache = false;    // nothing was tried or measured for this answer
};

// The micro guest: a 2 MiB machine in long mode through the KVM ioctls, in a short-lived process of
// its own. Milliseconds; never hangs (a second at most, and 250 ms a step, whatever the kernel
// does). ok: it ran. The error says at which step KVM failed. kUnsupported on other architectures
// than x86-64.
Status TryKvm();

// The host's TSC against CLOCK_MONOTONIC_RAW over some milliseconds. kUnsupported without a TSC.
Result<std::uint64_t> MeasureTscKhz();

// The engine on this host: the first of $PATH's and the usual places. Starts nothing, so it costs
// microseconds. kNotFound with what to install.
struct QemuBinary {
  std::string path;
  std::string build;  // identifies the file: path, size, time of change
};
Result<QemuBinary> FindQemu();
Result<QemuBinary> FindQemu(
    const std::string& search_path);  // instead of $PATH and the usual places

// Asks `path` for its version, "7.2.22". Starts it (some 15 ms). kUnsupported for one before 7.2
// (the message names it), kCorrupt for a program that is no QEMU.
Result<std::string> QemuVersion(const std::string& path);
// The version in the output of --version. Pure.
Result<std::string> ParseQemuVersion(const std::string& output);

// Decides, using and (kReadWrite) filling the cache file `accelerator.json` in `cache_dir_fd` (-1:
// no cache), keyed by the host's boot id and the engine's build. A cached verdict was made with an
// engine of a supported version; else the version is asked first (kUnsupported). kUnavailable when
// KVM was demanded and does not work.
enum class CacheUse { kReadOnly, kReadWrite };
Result<AcceleratorVerdict> ChooseAccelerator(AcceleratorRequest request, const QemuBinary& qemu,
                                             int cache_dir_fd, CacheUse cache_use);

// A real boot under KVM missed its deadline: remember TCG for this host boot.
Status RememberKvmFailure(const std::string& qemu_build, int cache_dir_fd,
                          const std::string& reason);

}  // namespace boxlite

// Whether this host can run machines with KVM, found out by trial: /dev/kvm that opens may still not
// run a 64-bit kernel.
#pragma once

#include <cstdint>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/vmm/vmm.h"

namespace boxlite {

enum class AcceleratorRequest { kAuto, kKvm, kTcg };
Result<AcceleratorRequest> ParseAcceleratorRequest(const std::string& text);  // "auto", "kvm", "tcg"

// What was found, and why, in words for `doctor` and `info`.
struct AcceleratorVerdict {
  Accelerator accelerator = Accelerator::kTcg;
  std::string reason;          // "the micro guest ran in 2 ms", "no /dev/kvm", "permission denied on ..."
  std::uint64_t tsc_khz = 0;   // the host's TSC, measured; 0 under KVM
  bool from_cache = false;
};

// The micro guest: a 2 MiB machine in long mode through the KVM ioctls. Milliseconds; never hangs
// (deadline 250 ms a step). ok: it ran. The error says at which step KVM failed.
Status TryKvm();

// The host's TSC against CLOCK_MONOTONIC_RAW over some milliseconds. kUnsupported without a TSC.
Result<std::uint64_t> MeasureTscKhz();

// Decides, using and (when `may_write`) filling the cache file `accelerator.json` in `cache_dir_fd`
// (-1: no cache), keyed by the host's boot id and `qemu_build`. kUnavailable when kvm was demanded and
// does not work.
enum class CacheUse { kReadOnly, kReadWrite };
Result<AcceleratorVerdict> ChooseAccelerator(AcceleratorRequest request,
                                             const std::string& qemu_build, int cache_dir_fd,
                                             CacheUse cache_use);

// A real boot under KVM missed its deadline: remember TCG for this host boot.
Status RememberKvmFailure(const std::string& qemu_build, int cache_dir_fd,
                          const std::string& reason);

// The engine on this host: the first of $PATH's and the usual places. kNotFound with what to install;
// kUnsupported for a version before 7.2.
struct QemuBinary {
  std::string path;
  std::string version;  // "7.2.22"
  std::string build;    // identifies the file: path, size, time of change
};
Result<QemuBinary> FindQemu();

}  // namespace boxlite

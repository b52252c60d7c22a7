// The engine that runs a box's machine, as the shim sees it: start it, talk to the guest's port,
// learn that it ended, ask it to quit. QemuVmm is the real one, FakeVmm runs a small program in its
// place.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "boxlite/base/process_identity.h"
#include "boxlite/base/result.h"

namespace boxlite {

enum class Accelerator { kKvm, kTcg };

// Descriptors are borrowed for the duration of Start() only; the machine inherits copies.
struct VmConfig {
  Accelerator accelerator = Accelerator::kTcg;
  std::uint32_t cpus = 1;
  std::uint64_t memory_mib = 512;
  std::uint64_t tsc_khz = 0;  // of the host; passed to the guest under TCG only (see docs/design)
  std::string kernel_path;    // vmlinux, booted through PVH
  std::string initramfs_path;
  int box_dir_fd = -1;       // the overlay is opened through it, so no path is too long or odd
  std::string overlay_name;  // qcow2 in box_dir_fd, without a backing file in its header
  int base_dir_fd = -1;
  std::string base_name;  // raw ext4 in base_dir_fd, opened read-only
  int vm_lock_fd = -1;    // deliberately inherited: held for as long as the machine lives
  int console_fd = -1;    // the guest's console goes here (a file, append)
  int log_fd = -1;        // stderr of the engine
};

// How the machine's process ended.
struct VmExit {
  std::optional<int> code;
  std::optional<int> signal;
  std::string Describe() const;  // "exited with code 1", "was ended by signal 9 (Killed)"
};

// One running machine. Destroying it kills and reaps the process. All calls from the kj loop's
// thread.
class LiveVm {
 public:
  virtual ~LiveVm() noexcept(false) {}

  virtual ProcessIdentity identity() const = 0;

  // The host end of the port named "agent". Owned by the machine; may be used until it is
  // destroyed.
  virtual kj::AsyncIoStream& agent_port() = 0;

  // Resolves when the process has ended and was reaped. May be asked any number of times.
  virtual kj::Promise<VmExit> WhenEnded() = 0;

  // Asks the engine to end, flushing its disk caches (QMP quit). Resolves when it was asked.
  virtual kj::Promise<void> RequestQuit() = 0;

  // A number that grows while the machine writes to its disks (bytes, from the engine's block
  // statistics): the sign of a flush that is slow but not stuck.
  virtual kj::Promise<std::uint64_t> WrittenBytes() = 0;

  virtual void Kill() = 0;  // SIGKILL through its pidfd; an ended machine is fine
};

class Vmm {
 public:
  virtual ~Vmm() noexcept(false) {}

  // Starts the machine as a child of the calling thread, which must be the process's main thread:
  // the parent-death signal fires when the *thread* that forked ends. After an error nothing runs.
  virtual Result<kj::Own<LiveVm>> Start(const VmConfig& config) = 0;
};

// `program`: the qemu-system binary, resp. the fake engine. The io objects must outlive all
// machines.
kj::Own<Vmm> NewQemuVmm(std::string program, kj::LowLevelAsyncIoProvider& io,
                        kj::UnixEventPort& event_port);
kj::Own<Vmm> NewFakeVmm(std::string program, kj::LowLevelAsyncIoProvider& io,
                        kj::UnixEventPort& event_port);

}  // namespace boxlite

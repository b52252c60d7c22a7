#include "boxlite/vmm/qemu_command.h"

namespace boxlite {
namespace {

// Emulation runs `rep movsb` a byte at a time. A guest that is told that it is fast (erms) copies
// and clears all its memory so, in the kernel as in its libc; without it, in words.
constexpr char kEmulatedCpu[] = "max,erms=off";
constexpr int kShareSlots = 4;
constexpr int kSpareDisks = 2;
// What an empty spare disk shows; nothing reads it.
constexpr char kSpareDiskBytes[] = "67108864";

using Args = std::vector<std::string>;

void Add(Args& args, std::initializer_list<std::string> more) { args.insert(args.end(), more); }

std::string ThroughFd(int directory_fd, const std::string& name) {
  return "/proc/self/fd/" + std::to_string(directory_fd) + "/" + EscapeOptionValue(name);
}

struct SerialPorts {
  void AddTo(Args& args, const MachineProfile& profile) const {
    Add(args, {"-chardev", "socket,id=agent,fd=" + std::to_string(kQemuAgentFd)});
    Add(args, {"-add-fd", "fd=" + std::to_string(kQemuConsoleFd) + ",set=1"});
    Add(args, {"-chardev", "file,id=console,path=/dev/fdset/1,append=on"});
    // Ports: console 0, agent 1, shares after it; max_ports counts them all.
    Add(args, {"-device", std::string("virtio-serial-") + profile.bus + ",id=serial,max_ports=8"});
    Add(args, {"-device", "virtconsole,chardev=console,id=console0,nr=0"});
    Add(args, {"-device", "virtserialport,chardev=agent,name=agent,id=agent0,nr=1"});
    for (int i = 0; i < kShareSlots; ++i) {
      const std::string n = std::to_string(i);
      Add(args, {"-chardev", "null,id=fs" + n});
      Add(args, {"-device", "virtserialport,chardev=fs" + n + ",name=fs" + n + ",id=fsport" + n +
                                ",nr=" + std::to_string(2 + i)});
    }
  }
};

struct RootDisk {
  const VmConfig& config;
  void AddTo(Args& args, const MachineProfile& profile) const {
    Add(args, {"-blockdev", "driver=file,node-name=base-file,read-only=on,filename=" +
                                ThroughFd(kQemuBaseDirFd, config.base_name)});
    Add(args, {"-blockdev", "driver=raw,node-name=base,read-only=on,file=base-file"});
    Add(args, {"-blockdev", "driver=file,node-name=root-file,discard=unmap,filename=" +
                                ThroughFd(kQemuBoxDirFd, config.overlay_name)});
    // The overlay's header names no backing file, so that a home may be moved: it is said here.
    Add(args,
        {"-blockdev", "driver=qcow2,node-name=root,discard=unmap,file=root-file,backing=base"});
    Add(args, {"-device", std::string("virtio-blk-") + profile.bus + ",drive=root,id=root0"});
  }
};

struct SpareDisk {
  int index;
  void AddTo(Args& args, const MachineProfile& profile) const {
    const std::string name = "spare" + std::to_string(index);
    Add(args, {"-blockdev",
               "driver=null-co,read-zeroes=on,node-name=" + name + ",size=" + kSpareDiskBytes});
    Add(args, {"-device", std::string("virtio-blk-") + profile.bus + ",drive=" + name +
                              ",id=" + name + "dev"});
  }
};

struct Nic {
  void AddTo(Args& args, const MachineProfile& profile) const {
    // A hub with nobody else on it: the slot exists, the network does not.
    Add(args, {"-netdev", "hubport,id=net0,hubid=0"});
    Add(args, {"-device", std::string("virtio-net-") + profile.bus + ",netdev=net0,id=nic0"});
  }
};

struct Entropy {
  void AddTo(Args& args, const MachineProfile& profile) const {
    Add(args, {"-device", std::string("virtio-rng-") + profile.bus + ",id=rng0"});
  }
};

}  // namespace

std::string EscapeOptionValue(const std::string& value) {
  std::string escaped;
  for (const char c : value) {
    escaped.push_back(c);
    if (c == ',') escaped.push_back(',');
  }
  return escaped;
}

std::string KernelCommandLine(const MachineProfile& profile, const VmConfig& config) {
  std::string line =
      "quiet loglevel=3 panic=-1 rdinit=/init console=hvc0 cryptomgr.notests init_on_alloc=0 lsm= "
      "nokaslr mitigations=off no_timer_check random.trust_cpu=on ";
  line += profile.kernel_words;
  if (config.accelerator == Accelerator::kTcg && config.tsc_khz > 0) {
    // Without a PIT the kernel has no tick source when its quick TSC calibration fails, and then
    // hangs for ever: 1 boot in 6, 2 in 3 on a loaded host. Under emulation the guest's TSC is the
    // host's. Under KVM the paravirtual clock tells the frequency, and a wrong word here would do
    // harm.
    line += " tsc_early_khz=" + std::to_string(config.tsc_khz);
    // Loops per jiffy at the Debian kernel's HZ=250: spares the calibration loop.
    line += " lpj=" + std::to_string(config.tsc_khz * 1000 / 250);
  }
  return line;
}

std::vector<std::string> QemuCommand(const std::string& program, const MachineProfile& profile,
                                     const VmConfig& config) {
  Args args = {program, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"};
  Add(args,
      {"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"});
  Add(args, {"-M", profile.machine});
  // Modern virtio: legacy mmio has no place in a machine that is saved and restored.
  Add(args, {"-global", "virtio-mmio.force-legacy=false"});
  const bool kvm = config.accelerator == Accelerator::kKvm;
  Add(args, {"-accel", kvm ? "kvm" : "tcg", "-cpu", kvm ? "host" : kEmulatedCpu});
  Add(args, {"-smp", std::to_string(config.cpus), "-m", std::to_string(config.memory_mib) + "M"});
  Add(args, {"-kernel", config.kernel_path, "-initrd", config.initramfs_path});
  Add(args, {"-append", KernelCommandLine(profile, config)});
  Add(args, {"-chardev", "socket,id=monitor,fd=" + std::to_string(kQemuMonitorFd)});
  Add(args, {"-mon", "chardev=monitor,mode=control"});
  SerialPorts{}.AddTo(args, profile);
  RootDisk{config}.AddTo(args, profile);
  for (int i = 0; i < kSpareDisks; ++i) SpareDisk{i}.AddTo(args, profile);
  Nic{}.AddTo(args, profile);
  Entropy{}.AddTo(args, profile);
  return args;
}

}  // namespace boxlite

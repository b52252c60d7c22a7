// The command line of a QEMU machine, as a typed value: each device a struct, the machine a table.
// Tested as text, without starting anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "boxlite/vmm/vmm.h"

namespace boxlite {

// Descriptors that QEMU inherits, by number.
inline constexpr int kQemuAgentFd = 3;
inline constexpr int kQemuMonitorFd = 4;
inline constexpr int kQemuVmLockFd = 5;
inline constexpr int kQemuBoxDirFd = 6;
inline constexpr int kQemuBaseDirFd = 7;
inline constexpr int kQemuConsoleFd = 8;

// What differs between machine types; the devices are the same on all.
struct MachineProfile {
  const char* machine;       // -M
  const char* bus;           // "device" (virtio-mmio) or "pci": the suffix of virtio device names
  const char* kernel_words;  // extra words of the kernel's command line
};
// x86-64 without legacy devices. rtc=on: without a clock chip the kernel waits a second for one.
inline constexpr MachineProfile kMicrovmProfile = {
    "microvm,acpi=on,pcie=off,rtc=on,isa-serial=off,pit=off,pic=off", "device", "reboot=t"};

// The complete argv. Every machine has the same device slots in the same order, used or not (an
// unused one has a null backend): a saved machine fits any box.
std::vector<std::string> QemuCommand(const std::string& program, const MachineProfile& profile,
                                     const VmConfig& config);

// The kernel's command line alone.
std::string KernelCommandLine(const MachineProfile& profile, const VmConfig& config);

// QEMU's option syntax: a comma in a value is doubled.
std::string EscapeOptionValue(const std::string& value);

}  // namespace boxlite

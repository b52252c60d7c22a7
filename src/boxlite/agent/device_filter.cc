#include "boxlite/agent/device_filter.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "boxlite/base/fd.h"

namespace boxlite {
namespace {

constexpr int kAnyMinor = -1;

struct AllowedDevice {
  int major_number;
  int minor_number;
};

// Character devices, for reading and writing. No block device.
constexpr AllowedDevice kAllowed[] = {
    {1, 3}, {1, 5}, {1, 7},           {1, 8}, {1, 9},  // null, zero, full, random, urandom
    {5, 0}, {5, 2}, {136, kAnyMinor},                  // tty, ptmx, terminals of devpts
};

using Program = std::vector<bpf_insn>;

constexpr std::uint8_t kContext = BPF_REG_1;
constexpr std::uint8_t kAccess = BPF_REG_2;
constexpr std::uint8_t kType = BPF_REG_3;
constexpr std::uint8_t kMajor = BPF_REG_4;
constexpr std::uint8_t kMinor = BPF_REG_5;

bpf_insn Load(std::uint8_t to, std::size_t offset) {
  return {BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<std::int16_t>(offset), 0};
}
bpf_insn Copy(std::uint8_t to, std::uint8_t from) {
  return {BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0};
}
bpf_insn And(std::uint8_t reg, std::int32_t mask) {
  return {BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, mask};
}
bpf_insn ShiftRight(std::uint8_t reg, std::int32_t bits) {
  return {BPF_ALU | BPF_RSH | BPF_K, reg, 0, 0, bits};
}
bpf_insn SkipUnlessEqual(std::uint8_t reg, std::int32_t value, std::int16_t skip) {
  return {BPF_JMP | BPF_JNE | BPF_K, reg, 0, skip, value};
}

void Return(Program& program, std::int32_t allowed) {
  program.push_back({BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, allowed});
  program.push_back({BPF_JMP | BPF_EXIT, 0, 0, 0, 0});
}
// The two instructions of Return().
constexpr std::int16_t kReturn = 2;

Program Build() {
  Program program = {
      Load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
      Copy(kAccess, kType),
      And(kType, 0xffff),
      ShiftRight(kAccess, 16),
      Load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
      Load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)),
      SkipUnlessEqual(kAccess, BPF_DEVCG_ACC_MKNOD, kReturn),
  };
  Return(program, 1);
  for (const AllowedDevice& device : kAllowed) {
    const bool any_minor = device.minor_number == kAnyMinor;
    const auto rest = static_cast<std::int16_t>(kReturn + (any_minor ? 0 : 1));
    program.push_back(
        SkipUnlessEqual(kType, BPF_DEVCG_DEV_CHAR, static_cast<std::int16_t>(rest + 1)));
    program.push_back(SkipUnlessEqual(kMajor, device.major_number, rest));
    if (!any_minor) program.push_back(SkipUnlessEqual(kMinor, device.minor_number, kReturn));
    Return(program, 1);
  }
  Return(program, 0);
  return program;
}

}  // namespace

Status AttachDeviceFilter(int cgroup_fd) {
  const Program program = Build();
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr load = {};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = reinterpret_cast<std::uint64_t>(program.data());
  load.insn_cnt = static_cast<std::uint32_t>(program.size());
  load.license = reinterpret_cast<std::uint64_t>(kLicense);
  Fd loaded(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load)));
  if (!loaded.valid()) return ErrnoError("load the device filter");
  bpf_attr attach = {};
  attach.target_fd = static_cast<std::uint32_t>(cgroup_fd);
  attach.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  if (::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) != 0) {
    return ErrnoError("attach the device filter");
  }
  return {};
}

}  // namespace boxlite

#include "boxlite/vmm/qemu_command.h"

#include <algorithm>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

VmConfig Config(Accelerator accelerator = Accelerator::kTcg) {
  VmConfig config;
  config.accelerator = accelerator;
  config.cpus = 2;
  config.memory_mib = 256;
  config.tsc_khz = accelerator == Accelerator::kTcg ? 2'500'000 : 0;
  config.kernel_path = "/libexec/vmlinux";
  config.initramfs_path = "/libexec/initramfs.cpio";
  config.overlay_name = "disk.qcow2";
  config.base_name = "base.ext4";
  return config;
}

std::vector<std::string> Command(const VmConfig& config) {
  return QemuCommand("/usr/bin/qemu-system-x86_64", kMicrovmProfile, config);
}

// The values of one option, in order.
std::vector<std::string> ValuesOf(const std::vector<std::string>& args, const std::string& option) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i + 1 < args.size(); ++i) {
    if (args[i] == option) values.push_back(args[i + 1]);
  }
  return values;
}

std::vector<std::string> DeviceIds(const VmConfig& config) {
  std::vector<std::string> ids;
  for (const std::string& device : ValuesOf(Command(config), "-device")) {
    const std::size_t at = device.find(",id=");
    const std::string rest = at == std::string::npos ? device : device.substr(at + 4);
    ids.push_back(rest.substr(0, rest.find(',')));
  }
  return ids;
}

TEST(QemuCommand, HasTheSameSlotsInTheSameOrderWhateverTheBoxUses) {
  const std::vector<std::string> slots = {"serial",    "console0",  "agent0",  "fsport0",
                                          "fsport1",   "fsport2",   "fsport3", "root0",
                                          "spare0dev", "spare1dev", "nic0",    "rng0"};
  EXPECT_EQ(DeviceIds(Config()), slots);
  VmConfig other = Config(Accelerator::kKvm);
  other.cpus = 8;
  other.memory_mib = 4096;
  other.base_name = "another,name";
  EXPECT_EQ(DeviceIds(other), slots);
}

TEST(QemuCommand, GivesEachPortItsFixedNumber) {
  const std::vector<std::string> devices = ValuesOf(Command(Config()), "-device");
  EXPECT_THAT(devices, Contains("virtserialport,chardev=agent,name=agent,id=agent0,nr=1"));
  EXPECT_THAT(devices, Contains("virtserialport,chardev=fs3,name=fs3,id=fsport3,nr=5"));
}

TEST(QemuCommand, AFrequencyOfTheHostIsToldUnderEmulationOnly) {
  const std::string tcg = KernelCommandLine(kMicrovmProfile, Config());
  EXPECT_THAT(tcg, HasSubstr(" tsc_early_khz=2500000 lpj=10000000"));
  VmConfig config = Config(Accelerator::kKvm);
  config.tsc_khz = 2'500'000;
  EXPECT_THAT(KernelCommandLine(kMicrovmProfile, config), Not(HasSubstr("tsc_early_khz")));
  config = Config();
  config.tsc_khz = 0;  // the host has none
  EXPECT_THAT(KernelCommandLine(kMicrovmProfile, config), Not(HasSubstr("tsc_early_khz")));
}

TEST(QemuCommand, TheAcceleratorDecidesTheCpu) {
  EXPECT_EQ(ValuesOf(Command(Config()), "-accel"), std::vector<std::string>{"tcg"});
  EXPECT_EQ(ValuesOf(Command(Config()), "-cpu"), std::vector<std::string>{"max,erms=off"});
  EXPECT_EQ(ValuesOf(Command(Config(Accelerator::kKvm)), "-accel"),
            std::vector<std::string>{"kvm"});
  EXPECT_EQ(ValuesOf(Command(Config(Accelerator::kKvm)), "-cpu"), std::vector<std::string>{"host"});
}

TEST(QemuCommand, CarriesWhatTheBoxAskedFor) {
  const std::vector<std::string> args = Command(Config());
  EXPECT_EQ(args.front(), "/usr/bin/qemu-system-x86_64");
  EXPECT_EQ(ValuesOf(args, "-smp"), std::vector<std::string>{"2"});
  EXPECT_EQ(ValuesOf(args, "-m"), std::vector<std::string>{"256M"});
  EXPECT_EQ(ValuesOf(args, "-kernel"), std::vector<std::string>{"/libexec/vmlinux"});
  EXPECT_THAT(args, Contains("-no-reboot"));
  EXPECT_THAT(args, Contains("-nodefaults"));
  EXPECT_THAT(args, Contains("-no-user-config"));
  EXPECT_THAT(ValuesOf(args, "-sandbox").at(0), HasSubstr("spawn=deny"));
}

TEST(QemuCommand, ACommaInANameCannotAddAnOption) {
  VmConfig config = Config();
  config.base_name = "a,read-only=off,b";
  config.overlay_name = "x,,y";
  const std::vector<std::string> blocks = ValuesOf(Command(config), "-blockdev");
  EXPECT_THAT(blocks, Contains("driver=file,node-name=base-file,read-only=on,filename="
                               "/proc/self/fd/7/a,,read-only=off,,b"));
  EXPECT_THAT(blocks, Contains("driver=file,node-name=root-file,discard=unmap,filename="
                               "/proc/self/fd/6/x,,,,y"));
}

TEST(QemuCommand, PathsOfTheUserStandAloneOrNotAtAll) {
  // The kernel's place is the user's to choose: it must be an argument of its own, never part of
  // one.
  VmConfig config = Config();
  config.kernel_path = "/odd, place/vmlinux";
  config.initramfs_path = "/odd, place/initramfs";
  for (const std::string& argument : Command(config)) {
    if (argument.find("odd") == std::string::npos) continue;
    EXPECT_TRUE(argument == config.kernel_path || argument == config.initramfs_path) << argument;
  }
  // Disks are reached through descriptors: no home is too long or too odd.
  for (const std::string& block : ValuesOf(Command(config), "-blockdev")) {
    const std::size_t at = block.find("filename=");
    if (at != std::string::npos) {
      EXPECT_THAT(block.substr(at + 9), testing::StartsWith("/proc/self/fd/"));
    }
  }
}

TEST(QemuCommand, TheBaseIsReadOnlyOnEachLayerOfIt) {
  for (const std::string& block : ValuesOf(Command(Config()), "-blockdev")) {
    if (block.find("node-name=base") == std::string::npos) continue;
    EXPECT_THAT(block, HasSubstr("read-only=on"));
  }
}

TEST(EscapeOptionValue, DoublesCommasAndNothingElse) {
  EXPECT_EQ(EscapeOptionValue(""), "");
  EXPECT_EQ(EscapeOptionValue("plain=\"'\\"), "plain=\"'\\");
  EXPECT_EQ(EscapeOptionValue(",a,,"), ",,a,,,,");
}

}  // namespace
}  // namespace boxlite

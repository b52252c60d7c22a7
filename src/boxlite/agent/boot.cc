#include "boxlite/agent/boot.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "boxlite/agent/cgroup.h"
#include "boxlite/agent/console.h"
#include "boxlite/agent/modules.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

constexpr char kPortName[] = "agent";
constexpr char kPortClass[] = "/sys/class/virtio-ports";
constexpr char kPortDriver[] = "virtio_console";
constexpr std::size_t kMaxListBytes = 64 * 1024;
// A descriptor or seven for each program, and some.
constexpr rlim_t kMaxDescriptors = 8192;
// Programs of the box get 0 again (program_child.cc): memory that runs out is theirs to lose.
constexpr int kNeverKilledScore = -1000;

struct BootContext {
  Fd events;  // the kernel's device events, listened to before the drivers load
  Fd port;
  ModuleSplit modules;
};

Status MountAt(const char* type, const char* target, unsigned long flags, const char* options) {
  if (::mkdir(target, 0755) != 0 && errno != EEXIST) return ErrnoError(target);
  if (::mount(type, target, type, flags, options) != 0) return ErrnoError(target);
  return {};
}

Status MountProc(BootContext&) {
  return MountAt("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

Status MountSys(BootContext&) {
  return MountAt("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

Status MountDev(BootContext&) { return MountAt("devtmpfs", "/dev", MS_NOSUID, "mode=0755"); }

// Without a console at its start the kernel gives init no descriptors 0, 1 and 2: what opens first
// would become them.
Status OpenStandardFds(BootContext&) {
  const int null_fd = ::open("/dev/null", O_RDWR);  // NOLINT(android-cloexec-open): for all to have
  if (null_fd < 0) return ErrnoError("/dev/null");
  for (int fd = 0; fd < 3; ++fd) {
    if (fd != null_fd && ::dup2(null_fd, fd) < 0) return ErrnoError("/dev/null");
  }
  if (null_fd > 2) ::close(null_fd);
  return {};
}

Status ProtectSelf(BootContext&) {
  // A program between fork and exec is a copy of the agent inside the box's pid namespace: nobody
  // there may look into it.
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return ErrnoError("set not dumpable");
  const rlimit limit = {kMaxDescriptors, kMaxDescriptors};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoError("raise the descriptor limit");
  Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!score.valid()) return ErrnoError("/proc/self/oom_score_adj");
  return WriteAll(score.get(), std::to_string(kNeverKilledScore));
}

Status ListenForDevices(BootContext& context) {
  context.events.Reset(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
  if (!context.events.valid()) return ErrnoError("listen for device events");
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;  // the kernel's own events
  if (::bind(context.events.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return ErrnoError("listen for device events");
  }
  return {};
}

Result<ModuleSplit> ReadModules() {
  BOXLITE_ASSIGN_OR_RETURN(std::string text, ReadFile(AT_FDCWD, "/modules.list", kMaxListBytes));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ParseModuleList(text));
  return SplitModules(std::move(names), kPortDriver);
}

Status LoadAll(const std::vector<std::string>& names) {
  for (const std::string& name : names) BOXLITE_RETURN_IF_ERROR(LoadModule(name));
  return {};
}

Status LoadPortDriver(BootContext& context) {
  BOXLITE_ASSIGN_OR_RETURN(context.modules, ReadModules());
  return LoadAll(context.modules.first);
}

// The device of the port with our name, "" when it is not there yet.
std::string FindPort() {
  DIR* directory = ::opendir(kPortClass);
  if (directory == nullptr) return "";
  std::string device;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    Result<std::string> name =
        ReadFile(AT_FDCWD, std::string(kPortClass) + "/" + entry->d_name + "/name", kMaxListBytes);
    if (name.ok() && *name == std::string(kPortName) + "\n") device = entry->d_name;
  }
  ::closedir(directory);
  return device;
}

// The host names its ports some time after the driver was loaded, by messages: each is an event.
// The first look comes after the listening began, so that none is missed.
Status OpenPort(BootContext& context) {
  std::string device = FindPort();
  while (device.empty()) {
    char event[8192];
    const ssize_t count = ::recv(context.events.get(), event, sizeof event, 0);
    if (count < 0 && errno != EINTR && errno != ENOBUFS) return ErrnoError("read device events");
    // Lost events (ENOBUFS) are made up for by looking again.
    if (count >= 0 &&
        std::string_view(event, static_cast<std::size_t>(count)).find("virtio-ports") ==
            std::string_view::npos) {
      continue;
    }
    device = FindPort();
  }
  context.port.Reset(
      ::open(("/dev/" + device).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!context.port.valid()) return ErrnoError("open the port /dev/" + device);
  return {};
}

Status MountCgroups(BootContext&) {
  if (::mount("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) !=
      0) {
    return ErrnoError("/sys/fs/cgroup");
  }
  return MakeBoxCgroup();
}

Status LoadOtherDrivers(BootContext& context) {
  BOXLITE_ASSIGN_OR_RETURN(context.modules, ReadModules());
  return LoadAll(context.modules.rest);
}

Status RaiseLoopback(BootContext&) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return ErrnoError("make a socket");
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return ErrnoError("raise lo");
  return {};
}

// As docker: in a network of its own a box's user may bind any port, and ping.
Status OpenNetworkToUsers(BootContext&) {
  constexpr const char* kSettings[][2] = {
      {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
      {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
  };
  for (const auto& [path, value] : kSettings) {
    Fd file(::open(path, O_WRONLY | O_CLOEXEC));
    if (!file.valid()) return ErrnoError(path);
    BOXLITE_RETURN_IF_ERROR(WriteAll(file.get(), value));
  }
  return {};
}

struct Stage {
  const char* name;
  Status (*run)(BootContext&);
  bool fatal;  // without it there is no guest
};

constexpr Stage kToPort[] = {
    {"proc", MountProc, true},
    {"sys", MountSys, true},
    {"dev", MountDev, true},
    {"standard descriptors", OpenStandardFds, true},
    {"self", ProtectSelf, false},
    {"device events", ListenForDevices, true},
    {"port driver", LoadPortDriver, true},
    {"port", OpenPort, true},
};

constexpr Stage kAfterGreeting[] = {
    {"other drivers", LoadOtherDrivers, true},
    {"cgroups", MountCgroups, true},
    {"loopback", RaiseLoopback, false},
    {"network settings", OpenNetworkToUsers, false},
};

template <std::size_t kCount>
Status RunStages(const Stage (&stages)[kCount], BootContext& context) {
  for (const Stage& stage : stages) {
    Status status = stage.run(context);
    Say(std::string(stage.name) + (status.ok() ? ": ready" : ": " + status.error().message()));
    if (!status.ok() && stage.fatal) return std::move(status).error().While(stage.name);
  }
  return {};
}

}  // namespace

Result<Fd> BootToPort() {
  BootContext context;
  BOXLITE_RETURN_IF_ERROR(RunStages(kToPort, context));
  return std::move(context.port);
}

Status FinishBoot() {
  BootContext context;
  return RunStages(kAfterGreeting, context);
}

}  // namespace boxlite

#include "boxlite/agent/box_filesystem.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "boxlite/agent/root_disk.h"
#include "boxlite/base/fd.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

// Of the initramfs; sources of the mounts over the image's files.
constexpr char kEtcDirectory[] = "/box-etc";
constexpr const char* kEtcFiles[] = {"hostname", "hosts", "resolv.conf"};

// The agent's own mounts, not for the box.
constexpr const char* kAgentMounts[] = {"/proc", "/sys", "/dev"};

enum class Need { kRequired, kOptional };

struct Mount {
  const char* type;
  const char* target;
  unsigned long flags;
  const char* options;
  Need need;
};

constexpr unsigned long kBare = MS_NOSUID | MS_NODEV | MS_NOEXEC;
constexpr Mount kMounts[] = {
    {"proc", "/proc", kBare, nullptr, Need::kRequired},
    {"tmpfs", "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k", Need::kRequired},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5",
     Need::kRequired},
    {"mqueue", "/dev/mqueue", kBare, nullptr, Need::kOptional},
    {"tmpfs", "/dev/shm", kBare, "mode=1777,size=65536k", Need::kRequired},
    {"sysfs", "/sys", kBare | MS_RDONLY, nullptr, Need::kRequired},
    {"cgroup2", "/sys/fs/cgroup", kBare | MS_RDONLY, nullptr, Need::kOptional},
};

struct DeviceNode {
  const char* path;
  unsigned major_number;
  unsigned minor_number;
};

constexpr DeviceNode kDevices[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

struct Link {
  const char* path;
  const char* target;
};

constexpr Link kLinks[] = {
    {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
    {"/dev/ptmx", "pts/ptmx"},          {"/dev/core", "/proc/kcore"},
};

constexpr const char* kMasked[] = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
};

constexpr const char* kReadOnly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                     "/proc/sysrq-trigger"};

Status MountOne(const Mount& mount) {
  // An image may have made it a link to anywhere, the root itself included.
  struct stat info = {};
  if (::mkdir(mount.target, 0755) != 0 && errno != EEXIST) return ErrnoError(mount.target);
  if (::lstat(mount.target, &info) != 0) return ErrnoError(mount.target);
  if (!S_ISDIR(info.st_mode)) {
    return Error(ErrorCode::kCorrupt,
                 std::string("the image's ") + mount.target + " is not a directory");
  }
  if (::mount(mount.type, mount.target, mount.type, mount.flags, mount.options) != 0) {
    return ErrnoError(std::string("mount ") + mount.target);
  }
  return {};
}

Status MountAll() {
  for (const Mount& mount : kMounts) {
    Status status = MountOne(mount);
    if (!status.ok() && mount.need == Need::kRequired) return status;
  }
  return {};
}

Status MakeDevices() {
  for (const DeviceNode& node : kDevices) {
    if (::mknod(node.path, S_IFCHR | 0666, makedev(node.major_number, node.minor_number)) != 0) {
      return ErrnoError(node.path);
    }
  }
  for (const Link& link : kLinks) {
    if (::symlink(link.target, link.path) != 0) return ErrnoError(link.path);
  }
  return {};
}

// A file becomes /dev/null, a directory an empty one. What the kernel does not have needs no mask.
Status Mask(const char* path) {
  struct stat info = {};
  if (::stat(path, &info) != 0) return {};
  const bool directory = S_ISDIR(info.st_mode);
  const int done = directory ? ::mount("tmpfs", path, "tmpfs", MS_RDONLY | kBare, "size=0")
                             : ::mount("/dev/null", path, nullptr, MS_BIND, nullptr);
  if (done != 0) return ErrnoError(std::string("mask ") + path);
  return {};
}

Status MakeReadOnly(const char* path) {
  if (::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    if (errno == ENOENT) return {};
    return ErrnoError(std::string("protect ") + path);
  }
  if (::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kBare, nullptr) != 0) {
    return ErrnoError(std::string("protect ") + path);
  }
  return {};
}

// Lays a file of the agent's over /etc/NAME. The image's own stays as it is underneath; where it
// has none an empty one is made to mount on. An image that does not allow it (its /etc is a file,
// say) does without.
void LayOver(int tree_fd, const std::string& name) {
  const std::string target = "/etc/" + name;
  struct stat info = {};
  if (::stat(target.c_str(), &info) != 0) {
    if (!MakeDirectories("/etc", 0755).ok()) return;
    Fd created(::open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644));
    if (!created.valid()) return;
  } else if (!S_ISREG(info.st_mode)) {
    return;
  }
  static_cast<void>(::move_mount(tree_fd, "", AT_FDCWD, target.c_str(),
                                 MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS));
}

Status WriteEtcFile(const char* name, const std::string& content) {
  Fd file(::open((std::string(kEtcDirectory) + "/" + name).c_str(),
                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return ErrnoError(std::string("make ") + name);
  return WriteAll(file.get(), content);
}

bool IsHostnameText(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

}  // namespace

Status PrepareEtcFiles(const std::string& hostname) {
  if (::mkdir(kEtcDirectory, 0755) != 0 && errno != EEXIST) return ErrnoError(kEtcDirectory);
  std::string hosts =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::\tip6-localnet\nff00::\tip6-mcastprefix\n"
      "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
  // The kernel takes any bytes for a hostname; the file's form does not.
  if (IsHostnameText(hostname)) hosts += "127.0.1.1\t" + hostname + "\n";
  BOXLITE_RETURN_IF_ERROR(WriteEtcFile("hostname", hostname + "\n"));
  BOXLITE_RETURN_IF_ERROR(WriteEtcFile("hosts", hosts));
  // An image's own would name servers of the network that it was made on.
  return WriteEtcFile("resolv.conf", "# this box has no network\n");
}

Status MakeDirectories(const std::string& path, unsigned mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return ErrnoError("make " + part);
    if (slash == std::string::npos) break;
  }
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError(path);
  if (!S_ISDIR(info.st_mode)) return Error(ErrorCode::kNotFound, path + " is not a directory");
  return {};
}

Status EnterNewBoxRoot() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return ErrnoError("make the mounts private");
  }
  Fd trees[std::size(kEtcFiles)];
  for (std::size_t i = 0; i < std::size(kEtcFiles); ++i) {
    const std::string source = std::string(kEtcDirectory) + "/" + kEtcFiles[i];
    trees[i].Reset(::open_tree(AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (!trees[i].valid()) return ErrnoError("take " + source);
  }
  for (const char* mount : kAgentMounts) {
    if (::umount2(mount, MNT_DETACH) != 0) return ErrnoError(std::string("leave ") + mount);
  }
  // pivot_root() cannot move the initramfs away. Moved over it, the box's root covers it: with no
  // mount rights and no descriptor that leads below, nothing in the box can name it.
  if (::chdir(kBoxRoot) != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 ||
      ::chroot(".") != 0 || ::chdir("/") != 0) {
    return ErrnoError("enter the box's root");
  }
  ::umask(0);  // the modes below are meant as written
  BOXLITE_RETURN_IF_ERROR(MountAll());
  BOXLITE_RETURN_IF_ERROR(MakeDevices());
  for (std::size_t i = 0; i < std::size(kEtcFiles); ++i) LayOver(trees[i].get(), kEtcFiles[i]);
  for (const char* path : kReadOnly) BOXLITE_RETURN_IF_ERROR(MakeReadOnly(path));
  for (const char* path : kMasked) BOXLITE_RETURN_IF_ERROR(Mask(path));
  if (::mkdir("/tmp", 01777) != 0 && errno != EEXIST) return ErrnoError("make /tmp");
  return {};
}

}  // namespace boxlite

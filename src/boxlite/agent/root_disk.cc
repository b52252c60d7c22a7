#include "boxlite/agent/root_disk.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "boxlite/base/fd.h"

namespace boxlite {
namespace {

constexpr char kDisk[] = "/dev/vda";
// The kernel has no header of it for programs.
constexpr unsigned long kExt4ResizeFs = _IOW('f', 16, std::uint64_t);
// The disk beyond the base reads as zeros already: zeroing inode tables again would write hundreds
// of megabytes into the overlay. The kernel does so in the background without this option, and at
// once when it grows a filesystem mounted with it. So it is set after the growth, before the
// background work begins.
constexpr char kSteadyOptions[] = "noinit_itable";

bool IsMounted() {
  struct stat root = {};
  struct stat parent = {};
  return ::stat(kBoxRoot, &root) == 0 && ::stat("/", &parent) == 0 && root.st_dev != parent.st_dev;
}

Error MountError(int error_number) {
  switch (error_number) {
    case EINVAL:
    case EIO:
    case EBADMSG:
    case EUCLEAN:
      return Error(ErrorCode::kCorrupt, "the root disk has no ext4 filesystem, or a damaged one (" +
                                            ErrnoError("mount", error_number).message() + ")");
    case ENOENT:
    case ENXIO:
    case ENOTBLK:
      return Error(ErrorCode::kUnavailable, "the machine has no root disk");
    default:
      return ErrnoError("mount the root disk", error_number);
  }
}

Status Grow() {
  Fd disk(::open(kDisk, O_RDONLY | O_CLOEXEC));
  if (!disk.valid()) return ErrnoError("open the root disk");
  std::uint64_t bytes = 0;
  if (::ioctl(disk.get(), BLKGETSIZE64, &bytes) != 0) return ErrnoError("size of the root disk");
  Fd root(::open(kBoxRoot, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return ErrnoError("open the root filesystem");
  struct statfs info = {};
  if (::fstatfs(root.get(), &info) != 0) return ErrnoError("block size of the root filesystem");
  std::uint64_t blocks = bytes / static_cast<std::uint64_t>(info.f_bsize);
  // The filesystem's own size already: nothing is done.
  if (::ioctl(root.get(), kExt4ResizeFs, &blocks) == 0) return {};
  const int error_number = errno;
  if (error_number == EUCLEAN || error_number == EIO || error_number == EBADMSG) {
    return MountError(error_number);
  }
  return ErrnoError("grow the root filesystem to " + std::to_string(bytes) + " bytes",
                    error_number);
}

}  // namespace

Status MountRootDisk(Growth growth) {
  if (!IsMounted()) {
    if (::mkdir(kBoxRoot, 0755) != 0 && errno != EEXIST) return ErrnoError(kBoxRoot);
    if (::mount(kDisk, kBoxRoot, "ext4", 0, nullptr) != 0) return MountError(errno);
  }
  if (growth == Growth::kGrowToDisk) BOXLITE_RETURN_IF_ERROR(Grow());
  if (::mount(nullptr, kBoxRoot, nullptr, MS_REMOUNT, kSteadyOptions) != 0) {
    return ErrnoError("set the root filesystem's options");
  }
  return {};
}

Result<UnmountOutcome> UnmountRootDisk() {
  if (!IsMounted()) return UnmountOutcome::kUnmounted;
  if (::umount2(kBoxRoot, 0) == 0) return UnmountOutcome::kUnmounted;
  const int error_number = errno;
  if (::mount(nullptr, kBoxRoot, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0) {
    return UnmountOutcome::kReadOnly;
  }
  ::sync();
  return ErrnoError("unmount the root disk", error_number);
}

}  // namespace boxlite

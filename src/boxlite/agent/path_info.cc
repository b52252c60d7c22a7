#include "boxlite/agent/path_info.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "boxlite/base/fd.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {

Status DescribePath(pid_t main_pid, const std::string& path, bool follow_link,
                    wire::PathInfo::Builder info) {
  // SAFETY: a link of the agent's own /proc, of a process that it has not reaped.
  const std::string main_root = "/proc/" + std::to_string(main_pid) + "/root";
  Fd root(::open(main_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) return ErrnoError("the box's root");
  open_how how = {};
  how.flags = static_cast<std::uint64_t>(O_PATH | O_CLOEXEC | (follow_link ? 0 : O_NOFOLLOW));
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!fd.valid()) {
    if (errno == ENOENT) {
      info.setKind(wire::PathInfo::Kind::ABSENT);
      return {};
    }
    if (errno == ENOTDIR || errno == ELOOP) {
      return Error(ErrorCode::kConflict, ErrnoError(path).message());
    }
    return ErrnoError(path);
  }
  struct stat found = {};
  if (::fstat(fd.get(), &found) != 0) return ErrnoError(path);
  info.setSize(static_cast<std::uint64_t>(found.st_size));
  info.setMode(found.st_mode & 07777);
  info.setMtimeNs(found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec);
  switch (found.st_mode & S_IFMT) {
    case S_IFREG:
      info.setKind(wire::PathInfo::Kind::FILE);
      return {};
    case S_IFDIR:
      info.setKind(wire::PathInfo::Kind::DIRECTORY);
      return {};
    case S_IFLNK: {
      char target[PATH_MAX];
      const ssize_t size = ::readlinkat(fd.get(), "", target, sizeof target);
      if (size < 0) return ErrnoError(path);
      info.setKind(wire::PathInfo::Kind::SYMLINK);
      info.setLinkTarget(AsBytes({target, static_cast<std::size_t>(size)}));
      return {};
    }
    default:
      info.setKind(wire::PathInfo::Kind::OTHER);
      return {};
  }
}

}  // namespace boxlite

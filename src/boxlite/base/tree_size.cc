#include "boxlite/base/tree_size.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "boxlite/base/files.h"

namespace boxlite {
namespace {

// POSIX counts st_blocks in these, whatever the filesystem's own are.
constexpr std::uint64_t kBlock = 512;
constexpr int kMaxDepth = 64;

Result<std::uint64_t> Measure(int dir_fd, const std::string& name, int depth) {
  struct stat info = {};
  if (::fstatat(dir_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::uint64_t{0};
    return ErrnoError("look at " + name);
  }
  std::uint64_t bytes = static_cast<std::uint64_t>(info.st_blocks) * kBlock;
  if (!S_ISDIR(info.st_mode) || depth >= kMaxDepth) return bytes;
  Result<Fd> directory = OpenDirectory(dir_fd, name);
  if (!directory.ok()) {
    if (directory.error().code() == ErrorCode::kNotFound) return bytes;
    return std::move(directory).error();
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> entries, ListDirectory(directory->get()));
  for (const std::string& entry : entries) {
    BOXLITE_ASSIGN_OR_RETURN(std::uint64_t below, Measure(directory->get(), entry, depth + 1));
    bytes += below;
  }
  return bytes;
}

}  // namespace

Result<std::uint64_t> TreeBytes(int dir_fd, const std::string& name) {
  return Measure(dir_fd, name, 0);
}

}  // namespace boxlite

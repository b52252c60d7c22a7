#include "boxlite/copy/unpack_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "boxlite/base/fd_path.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

// What a filesystem can leave out of a file.
constexpr std::size_t kHoleBytes = 4096;
constexpr int kNameTries = 100;

bool IsZero(std::string_view bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

std::string TemporaryName() { return ".boxlite-" + RandomHex(8); }

Error InTheWay(const std::string& shown, const char* what) {
  return Error(ErrorCode::kConflict, shown + " is " + what + " and is not overwritten");
}

bool IsMountRoot(int parent_fd, const std::string& name) {
  struct statx info = {};
  return ::statx(parent_fd, name.c_str(), AT_SYMLINK_NOFOLLOW, 0, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

Status ApplyAttributes(int fd, const Attributes& attributes, const std::string& shown) {
  if (attributes.owner && ::fchown(fd, attributes.owner->uid, attributes.owner->gid) != 0) {
    return ErrnoError("set the owner of " + shown);
  }
  if (::fchmod(fd, attributes.mode) != 0) return ErrnoError("set the mode of " + shown);
  const timespec times[2] = {{0, UTIME_NOW}, attributes.mtime};
  if (::futimens(fd, times) != 0) return ErrnoError("set the time of " + shown);
  return {};
}

Status Replace(int parent_fd, const std::string& name, const std::string& shown,
               const std::function<int(const char* name)>& make) {
  if (make(name.c_str()) == 0) return {};
  if (errno != EEXIST) return ErrnoError(shown);
  for (int i = 0; i < kNameTries; ++i) {
    const std::string temporary = TemporaryName();
    if (make(temporary.c_str()) != 0) {
      if (errno == EEXIST) continue;
      return ErrnoError(shown);
    }
    if (::renameat(parent_fd, temporary.c_str(), parent_fd, name.c_str()) == 0) {
      // Two names of one file: the rename did nothing and left the temporary one.
      ::unlinkat(parent_fd, temporary.c_str(), 0);
      return {};
    }
    const int error_number = errno;
    ::unlinkat(parent_fd, temporary.c_str(), 0);
    if (error_number == EISDIR) return InTheWay(shown, "a directory");
    return ErrnoError(shown, error_number);
  }
  return Error(ErrorCode::kConflict, shown + ": no free temporary name beside it");
}

Result<NewFile> NewFile::Create(int parent_fd, std::string name, std::string shown) {
  NewFile file(parent_fd, std::move(name), std::move(shown));
  struct stat info = {};
  if (::fstatat(parent_fd, file.name_.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    // Said before the content comes, not after.
    if (S_ISDIR(info.st_mode)) return InTheWay(file.shown_, "a directory");
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) return InTheWay(file.shown_, "a device");
    if (S_ISREG(info.st_mode) && IsMountRoot(parent_fd, file.name_)) {
      file.fd_.Reset(::openat(parent_fd, file.name_.c_str(),
                              O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (!file.fd_.valid()) return ErrnoError(file.shown_);
      file.in_place_ = true;
      return file;
    }
  }
  // Without a name it vanishes with its last descriptor, whatever kills us.
  file.fd_.Reset(::openat(parent_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (file.fd_.valid()) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    return ErrnoError(file.shown_);
  }
  file.temporary_ = TemporaryName();
  file.fd_.Reset(::openat(parent_fd, file.temporary_.c_str(),
                          O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.fd_.valid()) {
    file.temporary_.clear();
    return ErrnoError(file.shown_);
  }
  return file;
}

NewFile::~NewFile() {
  if (fd_.valid() && !temporary_.empty()) ::unlinkat(parent_fd_, temporary_.c_str(), 0);
}

Status NewFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    // In steps that end where the filesystem's blocks do.
    const std::size_t step = std::min<std::size_t>(
        bytes.size(), kHoleBytes - static_cast<std::size_t>(size_ % kHoleBytes));
    if (IsZero(bytes.substr(0, step))) {
      size_ += step;
      hole_at_end_ = true;
      bytes.remove_prefix(step);
      continue;
    }
    // Up to the next block of zeros.
    std::size_t end = step;
    while (end < bytes.size()) {
      const std::string_view block = bytes.substr(end, kHoleBytes);
      if (block.size() == kHoleBytes && IsZero(block)) break;
      end += block.size();
    }
    const char* at = bytes.data();
    std::size_t left = end;
    while (left > 0) {
      const ssize_t count = ::pwrite(fd_.get(), at, left, static_cast<off_t>(size_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("write " + shown_);
      at += count;
      left -= static_cast<std::size_t>(count);
      size_ += static_cast<std::uint64_t>(count);
    }
    hole_at_end_ = false;
    bytes.remove_prefix(end);
  }
  return {};
}

Status NewFile::Publish(const Attributes& attributes) {
  if (hole_at_end_ && ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) {
    return ErrnoError("write " + shown_);
  }
  BOXLITE_RETURN_IF_ERROR(ApplyAttributes(fd_.get(), attributes, shown_));
  if (in_place_) {
    fd_.Reset();
    return {};
  }
  if (temporary_.empty()) {
    const std::string self = FdPath(fd_.get());
    BOXLITE_RETURN_IF_ERROR(Replace(parent_fd_, name_, shown_, [&](const char* name) {
      return ::linkat(AT_FDCWD, self.c_str(), parent_fd_, name, AT_SYMLINK_FOLLOW);
    }));
  } else if (::renameat(parent_fd_, temporary_.c_str(), parent_fd_, name_.c_str()) != 0) {
    return errno == EISDIR ? InTheWay(shown_, "a directory") : ErrnoError(shown_);
  }
  fd_.Reset();
  return {};
}

}  // namespace boxlite

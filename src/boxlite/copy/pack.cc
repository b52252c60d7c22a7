#include "boxlite/copy/pack.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "boxlite/base/files.h"
#include "boxlite/copy/beneath.h"
#include "boxlite/copy/tar_writer.h"

namespace boxlite {
namespace {

constexpr int kOpenFile = O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;

TarEntry EntryOf(const struct stat& info, std::string name) {
  TarEntry entry;
  entry.name = std::move(name);
  entry.mode = info.st_mode & 07777;
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
  entry.mtime_s = info.st_mtim.tv_sec;
  switch (info.st_mode & S_IFMT) {
    case S_IFDIR:
      entry.kind = TarEntry::Kind::kDirectory;
      break;
    case S_IFLNK:
      entry.kind = TarEntry::Kind::kSymlink;
      break;
    case S_IFIFO:
      entry.kind = TarEntry::Kind::kFifo;
      break;
    case S_IFCHR:
    case S_IFBLK:
      entry.kind =
          S_ISCHR(info.st_mode) ? TarEntry::Kind::kCharacterDevice : TarEntry::Kind::kBlockDevice;
      entry.device_major = major(info.st_rdev);
      entry.device_minor = minor(info.st_rdev);
      break;
    default:
      entry.kind = TarEntry::Kind::kFile;
      entry.size = static_cast<std::uint64_t>(info.st_size);
      break;
  }
  return entry;
}

Result<std::string> ReadLink(int dir_fd, const std::string& name, const std::string& shown) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(dir_fd, name.c_str(), target, sizeof target);
  if (size < 0) return ErrnoError("read the symbolic link " + shown);
  return std::string(target, static_cast<std::size_t>(size));
}

Error KernelFile(const std::string& shown) {
  return Error(ErrorCode::kUnsupported,
               shown +
                   " belongs to the kernel (proc, sys, ...) and cannot be copied as a file; read "
                   "it with cat");
}

}  // namespace

Result<std::unique_ptr<Packer>> Packer::Open(PackOptions options) {
  std::unique_ptr<Packer> packer(new Packer(std::move(options)));
  BOXLITE_RETURN_IF_ERROR(packer->OpenRoot());
  return packer;
}

std::string Packer::Shown(const std::string& path) const {
  if (path.empty()) return options_.path;
  return options_.path + (options_.path.ends_with('/') ? "" : "/") + path;
}

std::string Packer::StreamName(const std::string& path) const {
  if (options_.contents_only) return path;
  return path.empty() ? options_.root_name : options_.root_name + "/" + path;
}

void Packer::Say(const TarEntry& entry) { pending_ += EncodeTarHeader(entry); }

Status Packer::OpenRoot() {
  const int follow = options_.follow_link ? 0 : O_NOFOLLOW;
  const std::string& path = options_.path;
  struct stat info = {};
  if (::fstatat(AT_FDCWD, path.c_str(), &info, options_.follow_link ? 0 : AT_SYMLINK_NOFOLLOW) !=
      0) {
    return ErrnoError(path);
  }
  if (S_ISLNK(info.st_mode)) {
    TarEntry entry = EntryOf(info, StreamName(""));
    BOXLITE_ASSIGN_OR_RETURN(entry.link, ReadLink(AT_FDCWD, path, path));
    Say(entry);
    return {};
  }
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    return Error(ErrorCode::kUnsupported, path + " is neither a file nor a directory");
  }
  // With its own eyes again: it may have been exchanged since.
  Fd fd(::open(path.c_str(), kOpenFile | follow));
  if (!fd.valid()) return ErrnoError(path);
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(path);
  if (S_ISDIR(info.st_mode)) {
    root_ = std::move(fd);
    BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenDirectory(root_.get(), "."));
    return VisitDirectory("", std::move(directory), info.st_dev);
  }
  if (options_.contents_only) return ErrnoError(path, ENOTDIR);
  if (!S_ISREG(info.st_mode))
    return Error(ErrorCode::kConflict, path + " changed while it was opened");
  if (IsKernelFilesystem(fd.get())) return KernelFile(path);
  return BeginFile(EntryOf(info, StreamName("")), std::move(fd), path);
}

Status Packer::BeginFile(TarEntry entry, Fd fd, const std::string& shown) {
  file_left_ = entry.size;
  file_size_ = entry.size;
  Say(entry);
  if (file_left_ == 0) return {};
  file_ = std::move(fd);
  file_shown_ = shown;
  return {};
}

Status Packer::VisitDirectory(const std::string& path, Fd fd, dev_t parent_device) {
  struct stat info = {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(Shown(path));
  if (!path.empty() || !options_.contents_only) Say(EntryOf(info, StreamName(path)));
  if (IsKernelFilesystem(fd.get())) {
    if (path.empty()) return KernelFile(options_.path);
    if (info.st_dev != parent_device) ++skipped_;
    return {};
  }
  Result<std::vector<std::string>> names = ListDirectory(fd.get());
  if (!names.ok()) return std::move(names).error().While(Shown(path));
  // Sorted, so that the same tree gives the same stream; backwards, so that taking one is cheap.
  std::sort(names->begin(), names->end(), std::greater<>());
  levels_.push_back(Level{path, info.st_dev, std::move(*names)});
  directory_ = std::move(fd);
  directory_path_ = path;
  return {};
}

// False: it has vanished.
Result<bool> Packer::EnterLevel(const Level& level) {
  if (directory_.valid() && directory_path_ == level.path) return true;
  directory_ = OpenBeneath(root_.get(), level.path, O_RDONLY | O_DIRECTORY);
  if (!directory_.valid() && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return false;
  if (!directory_.valid()) return ErrnoError(Shown(level.path));
  directory_path_ = level.path;
  return true;
}

Status Packer::Advance() {
  if (levels_.empty()) {
    pending_ += EncodeTarEnd();
    ended_ = true;
    return {};
  }
  if (levels_.back().names.empty()) {
    levels_.pop_back();
    return {};
  }
  BOXLITE_ASSIGN_OR_RETURN(const bool there, EnterLevel(levels_.back()));
  if (!there) {
    levels_.pop_back();
    return {};
  }
  const std::string name = std::move(levels_.back().names.back());
  levels_.back().names.pop_back();
  return Visit(levels_.back(), name);
}

Status Packer::Visit(Level& level, const std::string& name) {
  const std::string path = level.path.empty() ? name : level.path + "/" + name;
  struct stat info = {};
  if (::fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status() : ErrnoError(Shown(path));
  }
  if (S_ISSOCK(info.st_mode)) {
    ++skipped_;
    return {};
  }
  TarEntry entry = EntryOf(info, StreamName(path));
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    if (S_ISLNK(info.st_mode)) {
      BOXLITE_ASSIGN_OR_RETURN(entry.link, ReadLink(directory_.get(), name, Shown(path)));
    }
    Say(entry);
    return {};
  }
  const int kind = S_ISDIR(info.st_mode) ? O_DIRECTORY : 0;
  Fd fd(::openat(directory_.get(), name.c_str(), kOpenFile | O_NOFOLLOW | kind));
  if (!fd.valid()) {
    // Gone, or something else by now.
    if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO) return {};
    return ErrnoError(Shown(path));
  }
  if (S_ISDIR(info.st_mode)) return VisitDirectory(path, std::move(fd), level.device);
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(Shown(path));
  if (!S_ISREG(info.st_mode)) return {};
  entry = EntryOf(info, StreamName(path));
  if (info.st_nlink > 1) {
    const auto [found, is_first] =
        links_.try_emplace({info.st_dev, info.st_ino}, entry.name, info.st_nlink);
    if (!is_first) {
      entry.kind = TarEntry::Kind::kHardLink;
      entry.link = found->second.first;
      entry.size = 0;
      Say(entry);
    }
    if (--found->second.second == 0) links_.erase(found);
    if (!is_first) return {};
  }
  return BeginFile(std::move(entry), std::move(fd), Shown(path));
}

Result<std::size_t> Packer::Read(char* buffer, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    if (pending_taken_ < pending_.size()) {
      const std::size_t count = std::min(size - filled, pending_.size() - pending_taken_);
      std::memcpy(buffer + filled, pending_.data() + pending_taken_, count);
      pending_taken_ += count;
      filled += count;
      continue;
    }
    pending_.clear();
    pending_taken_ = 0;
    if (file_.valid()) {
      const std::size_t wanted = std::min<std::uint64_t>(size - filled, file_left_);
      const ssize_t count = ::read(file_.get(), buffer + filled, wanted);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("read " + file_shown_);
      if (count == 0) {
        return Error(ErrorCode::kConflict,
                     file_shown_ + " shrank while it was read: copy it again");
      }
      filled += static_cast<std::size_t>(count);
      file_left_ -= static_cast<std::uint64_t>(count);
      data_bytes_ += static_cast<std::uint64_t>(count);
      if (file_left_ == 0) {
        file_.Reset();
        pending_.assign(TarPadding(file_size_), '\0');
      }
      continue;
    }
    if (ended_) break;
    BOXLITE_RETURN_IF_ERROR(Advance());
  }
  return filled;
}

}  // namespace boxlite

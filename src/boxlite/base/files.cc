#include "boxlite/base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "boxlite/base/cleanup.h"

namespace boxlite {

Result<Fd> OpenDirectory(int dir_fd, const std::string& name) {
  Fd fd(::openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return ErrnoError("open the directory " + name);
  return fd;
}

Result<Fd> OpenDirectoryPath(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError("open the directory " + path);
  return fd;
}

Result<std::optional<std::string>> ReadFileIfExists(int dir_fd, const std::string& name,
                                                    std::size_t limit) {
  Fd fd(::openat(dir_fd, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT) return std::optional<std::string>();
    return ErrnoError("open " + name);
  }
  std::string content;
  char buffer[16384];
  for (;;) {
    ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
    if (count < 0) {
      if (errno == EINTR) continue;
      return ErrnoError("read " + name);
    }
    if (count == 0) return std::optional<std::string>(std::move(content));
    content.append(buffer, static_cast<std::size_t>(count));
    if (content.size() > limit) {
      return Error(ErrorCode::kCorrupt, name + " is larger than anything written here");
    }
  }
}

Result<std::string> ReadFile(int dir_fd, const std::string& name, std::size_t limit) {
  BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> content,
                           ReadFileIfExists(dir_fd, name, limit));
  if (!content) return ErrnoError("open " + name, ENOENT);
  return *std::move(content);
}

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return ErrnoError("write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Status SyncDirectory(int dir_fd) {
  if (::fsync(dir_fd) != 0) return ErrnoError("fsync a directory");
  return {};
}

namespace {

enum class IfThere { kReplace, kFail };

Status WriteThenRename(int dir_fd, const std::string& name, std::string_view content,
                       Durability durability, IfThere if_there) {
  const std::string temporary = ".tmp-" + RandomHex(8);
  Fd fd(::openat(dir_fd, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoError("create a file for " + name);
  Cleanup remove_temporary([&] { ::unlinkat(dir_fd, temporary.c_str(), 0); });
  if (Status written = WriteAll(fd.get(), content); !written.ok()) {
    return std::move(written).error().While("write " + name);
  }
  if (durability == Durability::kDurable && ::fsync(fd.get()) != 0) {
    return ErrnoError("fsync " + name);
  }
  const unsigned flags = if_there == IfThere::kFail ? RENAME_NOREPLACE : 0;
  if (::renameat2(dir_fd, temporary.c_str(), dir_fd, name.c_str(), flags) != 0) {
    return ErrnoError("rename into " + name);
  }
  remove_temporary.Cancel();
  if (durability == Durability::kDurable) return SyncDirectory(dir_fd);
  return {};
}

}  // namespace

Status WriteFileAtomically(int dir_fd, const std::string& name, std::string_view content,
                           Durability durability) {
  return WriteThenRename(dir_fd, name, content, durability, IfThere::kReplace);
}

Status WriteFileOnce(int dir_fd, const std::string& name, std::string_view content,
                     Durability durability) {
  return WriteThenRename(dir_fd, name, content, durability, IfThere::kFail);
}

Status EnsureDirectory(int dir_fd, const std::string& name) {
  if (::mkdirat(dir_fd, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoError("make the directory " + name);
  }
  return {};
}

Result<std::vector<std::string>> ListDirectory(int dir_fd, std::size_t limit) {
  // A fresh description: readdir moves the offset, which a dup would share with the caller's.
  Fd copy(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy.valid()) return ErrnoError("open a directory to list it");
  return ListDirectory(std::move(copy), limit);
}

Result<std::vector<std::string>> ListDirectory(Fd directory, std::size_t limit) {
  DIR* dir = ::fdopendir(directory.get());
  if (dir == nullptr) return ErrnoError("list a directory");
  directory.Release();  // closedir() closes it
  Cleanup close_dir([&] { ::closedir(dir); });
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir);
    if (entry == nullptr) {
      if (errno != 0) return ErrnoError("list a directory");
      return names;
    }
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    if (names.size() == limit) {
      return Error(ErrorCode::kResourceExhausted, "a directory has too many entries");
    }
    names.emplace_back(entry->d_name);
  }
}

Status RemoveTree(int dir_fd, const std::string& name) {
  if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return ErrnoError("remove " + name);
  Result<Fd> opened = OpenDirectory(dir_fd, name);
  if (!opened.ok()) {
    if (opened.error().code() == ErrorCode::kNotFound) return {};  // another remover was faster
    return std::move(opened).error();
  }
  const Fd inner = std::move(*opened);
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> entries, ListDirectory(inner.get()));
  for (const std::string& entry : entries) BOXLITE_RETURN_IF_ERROR(RemoveTree(inner.get(), entry));
  if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return ErrnoError("remove " + name);
  }
  return {};
}

std::string RandomHex(std::size_t bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes * 2);
  for (std::size_t i = 0; i < bytes; ++i) {
    unsigned char byte = 0;
    BOXLITE_CHECK(::getrandom(&byte, 1, 0) == 1);
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

}  // namespace boxlite

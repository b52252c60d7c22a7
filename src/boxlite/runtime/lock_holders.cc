#include "boxlite/runtime/lock_holders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "boxlite/base/files.h"

namespace boxlite {
namespace {

constexpr std::size_t kFdinfoLimit = 64 * 1024;

// Whether one of the process's descriptors is the file and carries an OFD lock.
bool CarriesLock(const std::string& proc, const struct stat& file) {
  Result<Fd> fds = OpenDirectoryPath(proc + "/fd");
  if (!fds.ok()) return false;
  Result<std::vector<std::string>> entries = ListDirectory(fds->get());
  if (!entries.ok()) return false;
  for (const std::string& entry : *entries) {
    struct stat opened = {};
    if (::fstatat(fds->get(), entry.c_str(), &opened, 0) != 0) continue;
    if (opened.st_ino != file.st_ino || opened.st_dev != file.st_dev) continue;
    Result<std::string> info = ReadFile(AT_FDCWD, proc + "/fdinfo/" + entry, kFdinfoLimit);
    if (info.ok() && info->find("OFDLCK") != std::string::npos &&
        info->find("WRITE") != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::string CommandName(const std::string& proc) {
  Result<std::string> name = ReadFile(AT_FDCWD, proc + "/comm", kFdinfoLimit);
  if (!name.ok()) return "process";
  while (!name->empty() && name->back() == '\n') name->pop_back();
  return *name;
}

}  // namespace

Result<std::vector<LockHolderProcess>> FindLockHolders(int dir_fd, const std::string& name) {
  struct stat file = {};
  if (::fstatat(dir_fd, name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    return ErrnoError("look at the lock " + name);
  }
  BOXLITE_ASSIGN_OR_RETURN(Fd proc, OpenDirectoryPath("/proc"));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> entries, ListDirectory(proc.get()));
  std::vector<LockHolderProcess> holders;
  for (const std::string& entry : entries) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), pid);
    if (error != std::errc() || end != entry.data() + entry.size()) continue;
    if (pid <= 1 || pid == ::getpid()) continue;
    const std::string path = "/proc/" + entry;
    if (!CarriesLock(path, file)) continue;
    Result<ProcessHandle> handle = ProcessHandle::Adopt(pid);
    // Looked at again through the same number, now that the handle pins the process.
    if (!handle.ok() || !CarriesLock(path, file)) continue;
    holders.push_back({pid, CommandName(path), std::move(*handle)});
  }
  return holders;
}

bool CarriesLock(pid_t pid, int dir_fd, const std::string& name) {
  struct stat file = {};
  if (::fstatat(dir_fd, name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return CarriesLock("/proc/" + std::to_string(pid), file);
}

std::string DescribeHolders(const std::vector<LockHolderProcess>& holders) {
  if (holders.empty()) return "a process that cannot be seen from here";
  std::string text;
  for (const LockHolderProcess& holder : holders) {
    if (!text.empty()) text += ", ";
    text += holder.name + " (pid " + std::to_string(holder.pid) + ")";
  }
  return text;
}

}  // namespace boxlite

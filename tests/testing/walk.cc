#include "testing/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

std::string Link(const std::string& path) {
  char target[8192];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

std::vector<std::string> Entries(const std::string& path) {
  std::vector<std::string> names;
  DIR* dir = ::opendir(path.c_str());
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir)) names.emplace_back(entry->d_name);
  ::closedir(dir);
  return names;
}

bool IsBelow(const std::string& path, const std::string& directory) {
  return path == directory || path.rfind(directory + "/", 0) == 0;
}

std::string OpenBelow(pid_t pid, const std::string& directory) {
  const std::string proc = "/proc/" + std::to_string(pid);
  if (const std::string cwd = Link(proc + "/cwd"); IsBelow(cwd, directory)) return cwd;
  for (const std::string& fd : Entries(proc + "/fd")) {
    const std::string target = Link(proc + "/fd/" + fd);
    if (IsBelow(target, directory)) return target;
  }
  return "";
}

std::string Stat(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const auto name_end = all.rfind(')');
  return name_end == std::string::npos ? "" : all.substr(name_end + 2);
}

std::uint64_t Mix(std::uint64_t hash, const std::string& bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return (hash ^ 0x1ff) * 1099511628211ULL;
}

}  // namespace

std::vector<Leftover> FindProcessesBelow(const std::string& directory) {
  std::vector<Leftover> found;
  for (const std::string& entry : Entries("/proc")) {
    if (entry.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::atoi(entry.c_str());
    if (pid == ::getpid()) continue;
    const std::string why = OpenBelow(pid, directory);
    if (!why.empty()) found.push_back({pid, Link("/proc/" + entry + "/exe"), why});
  }
  return found;
}

std::vector<std::string> FindLockedFiles(const std::string& directory) {
  struct File {
    dev_t device;
    bool device_counts;
    std::string path;
  };
  std::map<std::uint64_t, File> files;
  // Small inode numbers repeat on every tmpfs; on overlays the device that stat() tells is not the
  // locks'.
  struct statfs filesystem = {};
  const bool device_counts =
      ::statfs(directory.c_str(), &filesystem) == 0 && filesystem.f_type == TMPFS_MAGIC;
  std::error_code ignored;
  for (auto it = fs::recursive_directory_iterator(
           directory, fs::directory_options::skip_permission_denied, ignored);
       it != fs::recursive_directory_iterator(); it.increment(ignored)) {
    struct stat info = {};
    if (::lstat(it->path().c_str(), &info) != 0) continue;
    files[info.st_ino] = {info.st_dev, device_counts, it->path().string()};
  }
  std::vector<std::string> locked;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (line.find("OFDLCK") == std::string::npos) continue;
    // "... <pid> <major>:<minor>:<inode> <begin> <end>", the device in hexadecimal.
    const auto inode_at = line.rfind(':');
    const auto device_at = line.rfind(' ', inode_at);
    if (inode_at == std::string::npos || device_at == std::string::npos) continue;
    const auto found = files.find(std::strtoull(line.c_str() + inode_at + 1, nullptr, 10));
    if (found == files.end()) continue;
    char* minor_at = nullptr;
    const auto major_number = std::strtoul(line.c_str() + device_at + 1, &minor_at, 16);
    const auto minor_number = std::strtoul(minor_at + 1, nullptr, 16);
    const File& file = found->second;
    if (file.device_counts && file.device != makedev(major_number, minor_number)) continue;
    locked.push_back(file.path);
  }
  return locked;
}

std::string DescribeLeftovers(const std::string& directory, int patience_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  std::string text;
  for (;;) {
    const std::vector<Leftover> left = FindProcessesBelow(directory);
    if (left.empty()) break;
    const auto remaining = std::chrono::duration_cast<std::chrono::milliseconds>(
                               deadline - std::chrono::steady_clock::now())
                               .count();
    if (remaining <= 0) {
      for (const Leftover& one : left) {
        text += "process " + std::to_string(one.pid) + " (" + one.exe + ", " +
                ProcessState(one.pid) + ") has " + one.why + " open\n";
      }
      return text;
    }
    // A process that reported success may still be on its last instructions.
    AwaitProcessEnd(left.front().pid, StartTicks(left.front().pid), static_cast<int>(remaining));
  }
  for (const std::string& path : FindLockedFiles(directory)) text += path + " is locked\n";
  return text;
}

std::string Fingerprint(const std::string& directory) {
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    struct stat info = {};
    ::lstat(entry.path().c_str(), &info);
    std::ostringstream line;
    line << entry.path().string() << ' ' << info.st_mode << ' ' << info.st_ino << ' '
         << info.st_nlink << ' ' << info.st_mtim.tv_sec << '.' << info.st_mtim.tv_nsec << ' '
         << info.st_ctim.tv_sec << '.' << info.st_ctim.tv_nsec << ' ';
    if (S_ISLNK(info.st_mode)) line << Link(entry.path().string());
    if (S_ISREG(info.st_mode)) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::stringstream content;
      content << file.rdbuf();
      line << Mix(14695981039346656037ULL, content.str());
    }
    lines.push_back(line.str());
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

std::uint64_t StartTicks(pid_t pid) {
  std::istringstream fields(Stat(pid));
  std::string word;
  for (int field = 3; field <= 22; ++field) {
    if (!(fields >> word)) return 0;
  }
  return std::strtoull(word.c_str(), nullptr, 10);
}

char ProcessState(pid_t pid) {
  const std::string stat = Stat(pid);
  return stat.empty() ? '\0' : stat[0];
}

bool SignalProcess(pid_t pid, std::uint64_t start_ticks, int number) {
  if (pid <= 1 || start_ticks == 0) return false;
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return false;
  const bool same = StartTicks(pid) == start_ticks;
  const bool sent = same && ::syscall(SYS_pidfd_send_signal, fd, number, nullptr, 0) == 0;
  ::close(fd);
  return sent;
}

bool AwaitProcessEnd(pid_t pid, std::uint64_t start_ticks, int patience_ms) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return true;
  bool ended = start_ticks != 0 && StartTicks(pid) != start_ticks;
  pollfd poller = {fd, POLLIN, 0};
  if (!ended) ended = ::poll(&poller, 1, patience_ms) > 0;
  ::close(fd);
  return ended;
}

}  // namespace boxlite::testing

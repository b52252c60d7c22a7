// Where Linux keeps what process_identity.h asks for: /proc and pidfds.
#if defined(__linux__)

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "boxlite/base/files.h"
#include "boxlite/base/process_identity.h"

namespace boxlite {
namespace {

constexpr std::size_t kProcFileLimit = 64 * 1024;

Result<std::uint64_t> NamespaceInode(const char* path) {
  struct stat info = {};
  if (::stat(path, &info) != 0) {
    if (errno == ENOENT) return std::uint64_t{0};
    return ErrnoError(std::string("stat ") + path);
  }
  return static_cast<std::uint64_t>(info.st_ino);
}

}  // namespace

Result<HostIdentity> CurrentHostIdentity() {
  HostIdentity host;
  BOXLITE_ASSIGN_OR_RETURN(host.boot_id,
                           ReadFile(AT_FDCWD, "/proc/sys/kernel/random/boot_id", kProcFileLimit));
  while (!host.boot_id.empty() && host.boot_id.back() == '\n') host.boot_id.pop_back();
  BOXLITE_ASSIGN_OR_RETURN(host.pid_namespace, NamespaceInode("/proc/self/ns/pid"));
  BOXLITE_ASSIGN_OR_RETURN(host.time_namespace, NamespaceInode("/proc/self/ns/time"));
  return host;
}

Result<ProcessStat> ParseProcessStat(std::string_view text) {
  const Error malformed(ErrorCode::kCorrupt, "not a /proc/<pid>/stat line");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return malformed;
  text.remove_prefix(name_end + 1);
  ProcessStat stat;
  // Fields after the name: 3 state, 4 parent, ..., 22 start time.
  for (int field = 3; field <= 22; ++field) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return malformed;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    if (field == 3) stat.state = word.empty() ? '?' : word[0];
    if (field == 4) {
      auto [end, error] = std::from_chars(word.begin(), word.end(), stat.parent);
      if (error != std::errc() || end != word.end()) return malformed;
    }
    if (field == 22) {
      auto [end, error] = std::from_chars(word.begin(), word.end(), stat.start_ticks);
      if (error != std::errc() || end != word.end()) return malformed;
    }
    text.remove_prefix(word.size());
  }
  return stat;
}

Result<std::optional<ProcessStat>> ReadProcessStat(pid_t pid) {
  Result<std::optional<std::string>> text =
      ReadFileIfExists(AT_FDCWD, "/proc/" + std::to_string(pid) + "/stat", kProcFileLimit);
  if (!text.ok()) {
    // read() of a process that ends between open and read answers ESRCH.
    if (text.error().code() == ErrorCode::kNotFound) return std::optional<ProcessStat>();
    return std::move(text).error();
  }
  if (!text->has_value()) return std::optional<ProcessStat>();
  BOXLITE_ASSIGN_OR_RETURN(ProcessStat stat, ParseProcessStat(**text));
  return std::optional<ProcessStat>(stat);
}

Result<ProcessHandle> ProcessHandle::Adopt(pid_t pid) {
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // close-on-exec by definition
  if (!fd.valid()) return ErrnoError("open process " + std::to_string(pid));
  return ProcessHandle(std::move(fd), ProcessIdentity{pid, 0});
}

Status ProcessHandle::Signal(int signal_number) const {
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), signal_number, nullptr, 0) != 0 &&
      errno != ESRCH) {
    return ErrnoError("signal a process");
  }
  return {};
}

}  // namespace boxlite

#endif  // __linux__

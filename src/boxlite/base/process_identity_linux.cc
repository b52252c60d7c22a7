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
  const std::size_t name_begin = text.find('(');
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos || name_begin > name_end) return malformed;
  ProcessStat stat;
  stat.name = text.substr(name_begin + 1, name_end - name_begin - 1);
  text.remove_prefix(name_end + 1);
  const auto read_number = [](std::string_view word, auto& number) {
    const auto [end, error] = std::from_chars(word.begin(), word.end(), number);
    return error == std::errc() && end == word.end();
  };
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  // Fields after the name: 3 state, 4 parent, ..., 24 resident pages.
  for (int field = 3; field <= 24; ++field) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return malformed;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    bool sound = true;
    if (field == 3) stat.state = word.empty() ? '?' : word[0];
    if (field == 4) sound = read_number(word, stat.parent);
    if (field == 14) sound = read_number(word, user_ticks);
    if (field == 15) sound = read_number(word, system_ticks);
    if (field == 22) sound = read_number(word, stat.start_ticks);
    if (field == 24) sound = read_number(word, stat.resident_pages);
    if (!sound) return malformed;
    text.remove_prefix(word.size());
  }
  stat.cpu_ticks = user_ticks + system_ticks;
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

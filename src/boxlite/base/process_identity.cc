#include "boxlite/base/process_identity.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <charconv>
#include <chrono>

#include "boxlite/base/files.h"

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
  Result<std::optional<std::string>> text = ReadFileIfExists(
      AT_FDCWD, "/proc/" + std::to_string(pid) + "/stat", kProcFileLimit);
  if (!text.ok()) {
    // read() of a process that ends between open and read answers ESRCH.
    if (text.error().code() == ErrorCode::kNotFound) return std::optional<ProcessStat>();
    return std::move(text).error();
  }
  if (!text->has_value()) return std::optional<ProcessStat>();
  BOXLITE_ASSIGN_OR_RETURN(ProcessStat stat, ParseProcessStat(**text));
  return std::optional<ProcessStat>(stat);
}

Result<ProcessIdentity> IdentityOf(pid_t pid) {
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ProcessStat> stat, ReadProcessStat(pid));
  if (!stat) return Error(ErrorCode::kNotFound, "no process " + std::to_string(pid));
  return ProcessIdentity{pid, stat->start_ticks};
}

IdentityVerdict CheckIdentity(const ProcessIdentity& recorded, const HostIdentity& recorded_host,
                              const HostIdentity& here) {
  // 0 and negative numbers address groups, 1 is init: a record that names them is no record.
  if (recorded.pid <= 1) return IdentityVerdict::kCannotTell;
  if (recorded_host.boot_id.empty() || here.boot_id.empty()) return IdentityVerdict::kCannotTell;
  if (recorded_host.boot_id != here.boot_id) return IdentityVerdict::kAbsent;
  if (recorded_host.pid_namespace != here.pid_namespace ||
      recorded_host.time_namespace != here.time_namespace) {
    return IdentityVerdict::kCannotTell;
  }
  Result<std::optional<ProcessStat>> stat = ReadProcessStat(recorded.pid);
  if (!stat.ok()) return IdentityVerdict::kCannotTell;
  if (!stat->has_value() || (*stat)->state == 'Z' || (*stat)->state == 'X') {
    return IdentityVerdict::kAbsent;
  }
  return (*stat)->start_ticks == recorded.start_ticks ? IdentityVerdict::kSame
                                                      : IdentityVerdict::kDifferent;
}

Result<ProcessHandle> ProcessHandle::Adopt(pid_t pid) {
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));  // close-on-exec by definition
  if (!fd.valid()) return ErrnoError("open process " + std::to_string(pid));
  return ProcessHandle(std::move(fd));
}

Result<ProcessHandle> ProcessHandle::Open(const ProcessIdentity& recorded,
                                          const HostIdentity& recorded_host) {
  if (recorded.pid <= 1) {
    return Error(ErrorCode::kUnavailable, "the record names no usable process");
  }
  BOXLITE_ASSIGN_OR_RETURN(HostIdentity here, CurrentHostIdentity());
  BOXLITE_ASSIGN_OR_RETURN(ProcessHandle handle, Adopt(recorded.pid));
  const std::string who = "process " + std::to_string(recorded.pid);
  switch (CheckIdentity(recorded, recorded_host, here)) {
    case IdentityVerdict::kSame:
      return handle;
    case IdentityVerdict::kDifferent:
      return Error(ErrorCode::kNotFound, who + " is another one than was recorded");
    case IdentityVerdict::kAbsent:
      return Error(ErrorCode::kNotFound, who + " has ended");
    case IdentityVerdict::kCannotTell:
      break;
  }
  return Error(ErrorCode::kUnavailable, "cannot tell who " + who + " is");
}

Status ProcessHandle::Signal(int signal_number) const {
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), signal_number, nullptr, 0) != 0 &&
      errno != ESRCH) {
    return ErrnoError("signal a process");
  }
  return {};
}

Result<bool> ProcessHandle::WaitEnded(int milliseconds) const {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  for (;;) {
    int left = milliseconds;
    if (milliseconds > 0) {
      left = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                  deadline - std::chrono::steady_clock::now())
                                  .count());
      if (left < 0) left = 0;
    }
    pollfd poller = {fd_.get(), POLLIN, 0};
    int ready = ::poll(&poller, 1, left);
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return ErrnoError("wait for a process");
  }
}

}  // namespace boxlite

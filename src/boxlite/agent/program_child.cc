#include "boxlite/agent/program_child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "boxlite/agent/box_file.h"
#include "boxlite/agent/box_filesystem.h"
#include "boxlite/agent/credentials.h"
#include "boxlite/agent/environment.h"
#include "boxlite/agent/terminal.h"
#include "boxlite/agent/user_database.h"
#include "boxlite/base/fd.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

// /etc/passwd of a large site is some hundred kilobytes.
constexpr std::size_t kMaxDatabaseBytes = 4 * 1024 * 1024;
constexpr int kCouldNotRun = 127;
constexpr mode_t kUmask = 0022;
// systemd's and so docker's: a low soft limit for programs that use select() or close all
// descriptors in a loop, a high hard one for those that ask.
constexpr rlimit kDescriptorLimit = {1024, 524288};

void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Moves every descriptor that is needed out of the way, then leaves open exactly 0, 1, 2 (the
// agent's, on /dev/null, until a terminal takes their place) and, until the program is executed,
// the error pipe, main's pidfd and the terminal's socket.
Status ArrangeFds(ChildFds& fds) {
  constexpr int kFirstFree = 16;
  for (int* fd : {&fds.standard[0], &fds.standard[1], &fds.standard[2], &fds.error, &fds.main,
                  &fds.terminal}) {
    if (*fd < 0) continue;
    *fd = ::fcntl(*fd, F_DUPFD_CLOEXEC, kFirstFree);
    if (*fd < 0) return ErrnoError("arrange descriptors");
  }
  for (int target = 0; target < 3; ++target) {
    if (fds.standard[target] < 0) continue;
    if (::dup2(fds.standard[target], target) < 0) return ErrnoError("arrange descriptors");
  }
  int next = 3;
  for (int* fd : {&fds.error, &fds.main, &fds.terminal}) {
    if (*fd < 0) continue;
    if (::dup3(*fd, next, O_CLOEXEC) < 0) return ErrnoError("arrange descriptors");
    *fd = next++;
  }
  if (::syscall(SYS_close_range, static_cast<unsigned>(next), ~0U, 0) != 0) {
    return ErrnoError("close the agent's descriptors");
  }
  return {};
}

Status LeaveAgentsLimits() {
  Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!score.valid()) return ErrnoError("/proc/self/oom_score_adj");
  BOXLITE_RETURN_IF_ERROR(WriteAll(score.get(), "0"));
  if (::setrlimit(RLIMIT_NOFILE, &kDescriptorLimit) != 0) return ErrnoError("limit descriptors");
  return {};
}

Status EnterBox(const ProgramPlan& plan, const ChildFds& fds) {
  if (plan.is_main) {
    // In the box's cgroup already: this makes it the root of what the box sees of cgroups.
    if (::unshare(CLONE_NEWCGROUP) != 0) return ErrnoError("make a cgroup namespace");
    return EnterNewBoxRoot();
  }
  // Root and working directory become main's root. The pid namespace is joined already, by the
  // clone.
  if (::setns(fds.main, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) != 0) {
    if (errno == ESRCH) return Error(ErrorCode::kWrongState, "the box's main command has ended");
    return ErrnoError("enter the box");
  }
  return {};
}

Result<UserIdentity> FindIdentity(const std::string& user) {
  BOXLITE_ASSIGN_OR_RETURN(Fd root, OpenDirectoryPath("/"));
  BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> passwd,
                           ReadBoxFile(root.get(), "etc/passwd", kMaxDatabaseBytes));
  BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> group,
                           ReadBoxFile(root.get(), "etc/group", kMaxDatabaseBytes));
  return ResolveUser(user, passwd.value_or(""), group.value_or(""));
}

Error DirectoryError(const std::string& path, int error_number) {
  const ErrorCode code = error_number == ENOTDIR || error_number == ENOENT
                             ? ErrorCode::kNotFound
                             : ErrnoError("", error_number).code();
  return Error(code, ErrnoError("the working directory " + path, error_number).message());
}

// Entered as root where the user could not, as docker does; what the user may do in it is the
// kernel's.
Status EnterWorkingDirectory(const ProgramPlan& plan) {
  if (::chdir(plan.working_dir.c_str()) == 0) return {};
  if (!plan.is_main || errno != ENOENT) return DirectoryError(plan.working_dir, errno);
  BOXLITE_RETURN_IF_ERROR(MakeDirectories(plan.working_dir, 0755));
  if (::chdir(plan.working_dir.c_str()) == 0) return {};
  return DirectoryError(plan.working_dir, errno);
}

// /dev/stdout is opened anew by programs that run as another user: the pipes are theirs then.
void GiveStandardFdsTo(const UserIdentity& identity) {
  for (int fd = 0; fd < 3; ++fd) {
    static_cast<void>(!::fchown(fd, identity.uid, identity.gid));
  }
}

// The terminal is one of the box's own: its name, /dev/pts/N, means something in there.
Status TakeTerminal(const ProgramPlan& plan, const UserIdentity& identity, int socket_fd) {
  BOXLITE_ASSIGN_OR_RETURN(Terminal terminal, OpenTerminal(kBoxPtmx, *plan.terminal));
  BOXLITE_RETURN_IF_ERROR(GiveTerminalTo(terminal, identity.uid));
  if (plan.is_main) BindConsole(terminal);
  if (::ioctl(terminal.slave.get(), TIOCSCTTY, 0) != 0) {
    return ErrnoError("make the terminal the session's");
  }
  BOXLITE_RETURN_IF_ERROR(SendTerminal(socket_fd, terminal));
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(terminal.slave.get(), fd) < 0) return ErrnoError("arrange the terminal");
  }
  return {};
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool IsDirectory(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Error ExecError(const std::string& command, const std::string& file, int error_number) {
  const std::string reason = std::strerror(error_number);
  struct stat info = {};
  switch (error_number) {
    case ENOENT:
      if (::stat(file.c_str(), &info) == 0) {
        return Error(ErrorCode::kCommandNotFound,
                     file + " is there, but the interpreter or loader that it names is not");
      }
      return Error(ErrorCode::kCommandNotFound, "no command " + command + " in the box");
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return Error(ErrorCode::kCommandNotFound, "no command " + command + ": " + reason);
    case EACCES:
    case EPERM:
      return Error(
          ErrorCode::kCommandNotExecutable,
          file + (IsDirectory(file) ? " is a directory" : " may not be executed: " + reason));
    case ENOEXEC:
      return Error(ErrorCode::kCommandNotExecutable,
                   file + " is no program for this machine, and a script without #!");
    case E2BIG:
      return Error(ErrorCode::kInvalidArgument, "arguments and environment are too long together");
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
    case ENFILE:
      return Error(ErrorCode::kResourceExhausted, "execute " + file + ": " + reason);
    default:
      return Error(ErrorCode::kCommandNotExecutable, "execute " + file + ": " + reason);
  }
}

Error Execute(const ProgramPlan& plan, const std::vector<std::string>& env) {
  const std::string& command = plan.argv[0];
  const std::string path(FindVariable(env, "PATH").value_or(kDefaultPath));
  const bool searched = command.find('/') == std::string::npos;
  std::vector<char*> argv_pointers = Pointers(plan.argv);
  std::vector<char*> env_pointers = Pointers(env);
  std::string refused;  // the first candidate that is there and may not be executed
  for (const std::string& file : CommandCandidates(command, path)) {
    if (searched && IsDirectory(file)) continue;
    ::execve(file.c_str(), argv_pointers.data(), env_pointers.data());
    const int error_number = errno;
    const bool absent = error_number == ENOENT || error_number == ENOTDIR;
    struct stat info = {};
    if (searched && absent && ::stat(file.c_str(), &info) != 0) continue;
    if (!searched || error_number != EACCES) return ExecError(command, file, error_number);
    if (refused.empty()) refused = file;
  }
  if (!refused.empty()) return ExecError(command, refused, EACCES);
  return Error(ErrorCode::kCommandNotFound, "no command " + command + " in the box's PATH " + path);
}

// Returns what Prepare() says is wrong; never returns from Run().
Error DoWork(BoxWork& work, const UserIdentity& user, const ChildFds& fds) {
  // The box's root and no more, so that a fault of ours in the box's files is worth nothing more.
  // This is a copy of the agent: a process of the box must not look into it.
  BOXLITE_RETURN_IF_ERROR(BecomeUser({}));
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return ErrnoError("hide the process");
  BOXLITE_RETURN_IF_ERROR(work.Prepare(user));
  ::close(fds.error);  // as an executed program does
  const std::string report = work.Run();
  static_cast<void>(!::write(2, report.data(), report.size()));
  ::_exit(0);
}

Error RunSteps(const ProgramPlan& plan, ChildFds& fds) {
  ResetSignals();
  BOXLITE_RETURN_IF_ERROR(ArrangeFds(fds));
  BOXLITE_RETURN_IF_ERROR(LeaveAgentsLimits());
  if (::setsid() < 0) return ErrnoError("make a session");
  BOXLITE_RETURN_IF_ERROR(EnterBox(plan, fds));
  ::umask(kUmask);
  BOXLITE_ASSIGN_OR_RETURN(const UserIdentity identity, FindIdentity(plan.user));
  if (plan.work) return DoWork(*plan.work, identity, fds);
  BOXLITE_RETURN_IF_ERROR(EnterWorkingDirectory(plan));
  if (plan.terminal) {
    BOXLITE_RETURN_IF_ERROR(TakeTerminal(plan, identity, fds.terminal));
  } else {
    GiveStandardFdsTo(identity);
  }
  BOXLITE_RETURN_IF_ERROR(BecomeUser(identity));
  return Execute(plan, CompleteEnvironment(plan.env, identity.home,
                                           plan.terminal ? Standard::kTerminal : Standard::kPipes));
}

}  // namespace

void RunProgramChild(const ProgramPlan& plan, const ChildFds& fds) {
  ChildFds arranged = fds;
  const std::string failure = EncodeFailure(RunSteps(plan, arranged));
  static_cast<void>(!::write(arranged.error, failure.data(), failure.size()));
  ::_exit(kCouldNotRun);
}

std::string EncodeFailure(const Error& error) {
  const auto code = static_cast<std::uint16_t>(error.code());
  // One write into a pipe of at most this size is taken whole.
  return std::string{static_cast<char>(code & 0xff), static_cast<char>(code >> 8)} +
         error.message().substr(0, PIPE_BUF - 2);
}

Error DecodeFailure(std::string_view bytes) {
  if (bytes.size() < 2) return Error(ErrorCode::kInternal, "the program could not be started");
  const auto low = static_cast<unsigned char>(bytes[0]);
  const auto high = static_cast<unsigned char>(bytes[1]);
  return Error(ErrorCodeFromNumber(static_cast<std::uint16_t>(low | (high << 8))),
               std::string(bytes.substr(2)));
}

}  // namespace boxlite

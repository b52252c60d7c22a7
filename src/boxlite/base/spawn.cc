#include "boxlite/base/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/fd.h"

namespace boxlite {
namespace {

// Targets are below it, and sources are moved above it first, so that no dup2 overwrites a source.
constexpr int kFirstFreeFd = 64;
constexpr std::size_t kOutputLimit = 64 * 1024;

// What the child needs, made before the fork: it may not allocate.
struct ChildPlan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::vector<InheritedFd> fds;
  Parentage parentage;
  int parent_death_signal;
  int error_pipe;
  int status_pipe;  // -1, or where a watcher between us and the program reports its wait status
  pid_t parent;
};

[[noreturn]] void Report(int error_pipe) {
  const int error_number = errno;
  static_cast<void>(!::write(error_pipe, &error_number, sizeof error_number));
  ::_exit(127);
}

void ResetSignals() {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Holds nothing but the status pipe: the program's own descriptors decide when their readers see
// the end, and a lock of the caller's must not live here.
[[noreturn]] void Watch(pid_t program, int status_pipe) {
  ::dup2(status_pipe, 0);
  ::syscall(SYS_close_range, 1, ~0U, 0);
  int status = 0;
  while (::waitpid(program, &status, __WALL) < 0) {
    if (errno != EINTR) ::_exit(1);
  }
  static_cast<void>(!::write(0, &status, sizeof status));
  ::_exit(0);
}

// Only async-signal-safe calls from here on: other threads of the parent do not exist in the child.
[[noreturn]] void RunChild(ChildPlan& plan) {
  ResetSignals();
  ::umask(0077);
  if (plan.parentage == Parentage::kNobodysChild) {
    if (::setsid() < 0) Report(plan.error_pipe);
    const pid_t second = QuietFork();
    if (second < 0) Report(plan.error_pipe);
    if (second > 0) ::_exit(0);
  }
  if (plan.status_pipe >= 0) {
    const pid_t program = QuietFork();
    if (program < 0) Report(plan.error_pipe);
    if (program > 0) Watch(program, plan.status_pipe);
  }
  const int error_pipe = ::fcntl(plan.error_pipe, F_DUPFD_CLOEXEC, kFirstFreeFd);
  if (error_pipe < 0) Report(plan.error_pipe);
  bool standard_given[3] = {false, false, false};
  for (InheritedFd& fd : plan.fds) {
    const int moved = ::fcntl(fd.source, F_DUPFD_CLOEXEC, kFirstFreeFd);
    if (moved < 0) Report(error_pipe);
    fd.source = moved;
    if (fd.target < 3) standard_given[fd.target] = true;
  }
  const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int null_moved = null_fd < 0 ? -1 : ::fcntl(null_fd, F_DUPFD_CLOEXEC, kFirstFreeFd);
  if (null_moved < 0) Report(error_pipe);
  // All of 0..63 is then either named or closed; the moved ones above are close-on-exec.
  if (::syscall(SYS_close_range, 0, kFirstFreeFd - 1, 0) != 0) Report(error_pipe);
  if (::syscall(SYS_close_range, kFirstFreeFd, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
    Report(error_pipe);
  }
  for (int target = 0; target < 3; ++target) {
    if (!standard_given[target] && ::dup2(null_moved, target) < 0) Report(error_pipe);
  }
  for (const InheritedFd& fd : plan.fds) {
    if (::dup2(fd.source, fd.target) < 0) Report(error_pipe);
  }
  if (plan.parent_death_signal != 0) {
    if (::prctl(PR_SET_PDEATHSIG, plan.parent_death_signal) != 0) Report(error_pipe);
    // The parent may have ended before the line above: then no signal would ever come.
    if (::getppid() != plan.parent) ::_exit(127);
  }
  ::execve(plan.argv[0], plan.argv.data(), plan.environment.data());
  Report(error_pipe);
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void ReapExactly(pid_t pid) {
  while (::waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR) {
  }
}

// Reads one int; false when the writers went away without one.
bool ReadNumber(int fd, int& number) {
  ssize_t count;
  do {
    count = ::read(fd, &number, sizeof number);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(sizeof number);
}

Result<pid_t> SpawnWith(const SpawnRequest& request, int status_pipe) {
  BOXLITE_CHECK(!request.argv.empty());
  for (const InheritedFd& fd : request.fds) {
    BOXLITE_CHECK(fd.target >= 0 && fd.target < kFirstFreeFd);
  }
  BOXLITE_ASSIGN_OR_RETURN(FdPair errors, MakePipe());
  ChildPlan plan{
      Pointers(request.argv),      Pointers(request.environment), request.fds, request.parentage,
      request.parent_death_signal, errors.second.get(),           status_pipe, ::getpid()};
  // Handlers of the parent must not run in the child before it has reset them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = QuietFork();
  if (pid == 0) RunChild(plan);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return ErrnoError("fork for " + request.argv[0], fork_error);
  errors.second.Reset();
  if (request.parentage == Parentage::kNobodysChild) ReapExactly(pid);
  int child_error = 0;
  if (!ReadNumber(errors.first.get(), child_error)) {
    return request.parentage == Parentage::kChild ? pid : 0;
  }
  if (request.parentage == Parentage::kChild) ReapExactly(pid);
  return ErrnoError("start " + request.argv[0], child_error);
}

}  // namespace

pid_t QuietFork() {
#ifdef BOXLITE_TSAN
  return ::fork();  // ThreadSanitizer has to know of it
#else
  return static_cast<pid_t>(::syscall(SYS_clone, 0, nullptr, nullptr, nullptr, 0));
#endif
}

Result<pid_t> Spawn(const SpawnRequest& request) { return SpawnWith(request, -1); }

Result<std::string> RunProgram(const std::vector<std::string>& argv,
                               const std::vector<InheritedFd>& fds) {
  BOXLITE_ASSIGN_OR_RETURN(FdPair output, MakePipe());
  BOXLITE_ASSIGN_OR_RETURN(FdPair ended, MakePipe());
  SpawnRequest request;
  request.argv = argv;
  request.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  request.fds = fds;
  request.fds.push_back({output.second.get(), 1});
  request.fds.push_back({output.second.get(), 2});
  // A host program that ignores SIGCHLD, or that waits for any child, takes our children's exit
  // codes away. So the program is the child of a watcher, and the watcher's word is what counts.
  BOXLITE_ASSIGN_OR_RETURN(const pid_t watcher, SpawnWith(request, ended.second.get()));
  output.second.Reset();
  ended.second.Reset();
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(output.first.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    const std::size_t room = kOutputLimit - text.size();
    text.append(buffer, std::min(static_cast<std::size_t>(count), room));
  }
  int status = 0;
  const bool told = ReadNumber(ended.first.get(), status);
  ReapExactly(watcher);
  if (!told) return Error(ErrorCode::kInternal, "nobody knows how " + argv[0] + " ended");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return Error(ErrorCode::kInternal, argv[0] + " failed: " + text);
}

}  // namespace boxlite

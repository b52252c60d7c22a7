#include "boxlite/agent/program_spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "boxlite/agent/output_pump.h"
#include "boxlite/agent/program_child.h"
#include "boxlite/base/cleanup.h"

namespace boxlite {
namespace {

// The pid namespace of the caller's *children*; the caller's own does not change.
Status SetChildrensPidNamespace(int fd) {
  if (::setns(fd, CLONE_NEWPID) == 0) return {};
  if (errno == ESRCH) return Error(ErrorCode::kWrongState, "the box's main command has ended");
  return ErrnoError("enter the box's pid namespace");
}

Status SetNonBlocking(const Fd& fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return ErrnoError("make a pipe non-blocking");
  return {};
}

// What leads from the agent to the program and back; the members that are not needed are invalid.
struct Channels {
  FdPair input;   // first: the program's
  FdPair output;  // second: the program's, here and below
  FdPair errors;
  FdPair terminal;
  FdPair failure;

  ChildFds OfChild(int main_pidfd) const {
    ChildFds fds;
    fds.standard[0] = input.first.get();
    fds.standard[1] = output.second.get();
    fds.standard[2] = errors.second.get();
    fds.terminal = terminal.second.get();
    fds.error = failure.second.get();
    fds.main = main_pidfd;
    return fds;
  }
};

Result<Channels> MakeChannels(const ProgramPlan& plan) {
  Channels channels;
  BOXLITE_ASSIGN_OR_RETURN(channels.failure, MakePipe());
  BOXLITE_RETURN_IF_ERROR(SetNonBlocking(channels.failure.first));
  if (plan.terminal) {
    BOXLITE_ASSIGN_OR_RETURN(channels.terminal, MakeSocketPair());
    return channels;
  }
  BOXLITE_ASSIGN_OR_RETURN(channels.input, MakePipe());
  BOXLITE_ASSIGN_OR_RETURN(channels.output, MakePipe());
  BOXLITE_ASSIGN_OR_RETURN(channels.errors, MakePipe());
  for (const Fd* ours : {&channels.input.second, &channels.output.first, &channels.errors.first}) {
    BOXLITE_RETURN_IF_ERROR(SetNonBlocking(*ours));
  }
  // A kernel that has no room for more leaves them as they are.
  for (const Fd* bulky : {&channels.input.second, &channels.output.first}) {
    ::fcntl(bulky->get(), F_SETPIPE_SZ, static_cast<int>(kProgramPipeBytes));
  }
  return channels;
}

pid_t CloneInto(int cgroup_fd, std::uint64_t namespaces, int* pidfd) {
  clone_args args = {};
  args.flags = CLONE_PIDFD | CLONE_INTO_CGROUP | namespaces;
  args.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  // SAFETY: without a stack of its own the child is a copy as after fork(). libc's fork handlers do
  // not run, which matters only to programs with threads; the agent has none.
  return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

}  // namespace

Result<SpawnedProgram> SpawnProgram(const ProgramPlan& plan, int cgroup_fd, int main_pidfd) {
  BOXLITE_ASSIGN_OR_RETURN(Channels channels, MakeChannels(plan));
  Fd own_namespace(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (!own_namespace.valid()) return ErrnoError("/proc/self/ns/pid");

  const ChildFds fds = channels.OfChild(main_pidfd);
  int pidfd = -1;
  pid_t pid = -1;
  int clone_error = 0;
  {
    if (!plan.is_main) BOXLITE_RETURN_IF_ERROR(SetChildrensPidNamespace(main_pidfd));
    Cleanup restore([&]() {
      if (!plan.is_main) BOXLITE_CHECK(SetChildrensPidNamespace(own_namespace.get()).ok());
    });
    const std::uint64_t namespaces =
        plan.is_main ? CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS : 0;
    pid = CloneInto(cgroup_fd, namespaces, &pidfd);
    clone_error = errno;
    if (pid == 0) RunProgramChild(plan, fds);
  }
  if (pid < 0) {
    // A pid namespace whose init has ended takes no more processes: the kernel says ENOMEM.
    if (!plan.is_main && clone_error == ENOMEM) {
      return Error(ErrorCode::kWrongState, "the box's main command has ended");
    }
    return clone_error == EAGAIN
               ? Error(ErrorCode::kResourceExhausted, "the box can take no more processes")
               : ErrnoError("make a process", clone_error);
  }
  SpawnedProgram spawned;
  spawned.pid = pid;
  spawned.pidfd.Reset(pidfd);
  spawned.input = std::move(channels.input.second);
  spawned.output = std::move(channels.output.first);
  spawned.errors = std::move(channels.errors.first);
  spawned.terminal = std::move(channels.terminal.first);
  spawned.failure = std::move(channels.failure.first);
  return spawned;
}

}  // namespace boxlite

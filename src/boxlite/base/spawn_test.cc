#include "boxlite/base/spawn.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <thread>

#include "boxlite/base/process_identity.h"
#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

int ExitCodeOf(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

SpawnRequest Shell(const std::string& script) {
  SpawnRequest request;
  request.argv = {"/bin/sh", "-c", script};
  request.environment = {"PATH=/usr/bin:/bin"};
  return request;
}

// What a script prints when it inherits the write end of a pipe as its stdout, up to all writers'
// end.
std::string OutputOf(SpawnRequest request, std::string* error = nullptr) {
  Result<FdPair> pipe = MakePipe();
  BOXLITE_CHECK(pipe.ok());
  request.fds.push_back({pipe->second.get(), 1});
  Result<pid_t> pid = Spawn(request);
  if (!pid.ok()) {
    if (error != nullptr) *error = pid.error().message();
    return "";
  }
  pipe->second.Reset();
  std::string text;
  char buffer[4096];
  ssize_t count;
  while ((count = ::read(pipe->first.get(), buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  if (*pid > 0) ExitCodeOf(*pid);
  return text;
}

TEST(Spawn, RunsAProgramAndItsExitIsTheCallersToCollect) {
  Result<pid_t> pid = Spawn(Shell("exit 7"));
  ASSERT_THAT(pid, IsOk());
  EXPECT_GT(*pid, 1);
  EXPECT_EQ(ExitCodeOf(*pid), 7);
}

TEST(Spawn, AMissingProgramIsAnErrorThatNamesIt) {
  SpawnRequest request;
  request.argv = {"/no/such/program"};
  Result<pid_t> pid = Spawn(request);
  ASSERT_THAT(pid, HasCode(ErrorCode::kNotFound));
  EXPECT_NE(pid.error().message().find("/no/such/program"), std::string::npos);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nothing is left to reap";
}

TEST(Spawn, WhatIsNoProgramIsPermissionDenied) {
  SpawnRequest request;
  request.argv = {"/etc"};
  EXPECT_THAT(Spawn(request), HasCode(ErrorCode::kPermissionDenied));
  request.parentage = Parentage::kNobodysChild;
  EXPECT_THAT(Spawn(request), HasCode(ErrorCode::kPermissionDenied));
}

TEST(Spawn, OnlyNamedDescriptorsAreOpenInTheProgram) {
  Fd stray(::open("/dev/null", O_RDONLY));  // not close-on-exec, as a host program's may be
  ASSERT_TRUE(stray.valid());
  Fd high(::fcntl(stray.get(), F_DUPFD, 300));
  ASSERT_TRUE(high.valid());
  SpawnRequest request = Shell("ls /proc/$$/fd; readlink /proc/$$/fd/0 /proc/$$/fd/2");
  request.fds.push_back({stray.get(), 9});
  const std::string output = OutputOf(request);
  EXPECT_EQ(output, "0\n1\n2\n9\n/dev/null\n/dev/null\n");
}

TEST(Spawn, DescriptorsMaySwapTheirNumbers) {
  TestDirectory dir;
  Fd a(::openat(dir.fd(), "a", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  Fd b(::openat(dir.fd(), "b", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  SpawnRequest request = Shell("readlink /proc/$$/fd/" + std::to_string(a.get()) + " /proc/$$/fd/" +
                               std::to_string(b.get()));
  request.fds = {{a.get(), b.get()}, {b.get(), a.get()}};
  EXPECT_EQ(OutputOf(request), dir.Path("b") + "\n" + dir.Path("a") + "\n");
}

TEST(Spawn, AClosedDescriptorIsAnErrorAndNothingRuns) {
  SpawnRequest request = Shell("exit 0");
  request.fds.push_back({9999, 5});
  EXPECT_FALSE(Spawn(request).ok());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Spawn, TheProgramsSignalsAreAsTheKernelMadeThem) {
  // kj ignores SIGPIPE in every process it lives in; a program that inherits that misbehaves.
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before = {};
  ASSERT_EQ(::sigaction(SIGPIPE, &ignore, &before), 0);
  sigset_t blocked;
  sigset_t mask_before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &mask_before), 0);
  SpawnRequest request;
  request.argv = {"/bin/cat", "/proc/self/status"};
  const std::string output = OutputOf(request);
  ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  ::sigaction(SIGPIPE, &before, nullptr);
  EXPECT_NE(output.find("SigBlk:\t0000000000000000"), std::string::npos) << output;
  EXPECT_NE(output.find("SigIgn:\t0000000000000000"), std::string::npos) << output;
  EXPECT_NE(output.find("Umask:\t0077"), std::string::npos) << output;
}

TEST(Spawn, TheEnvironmentIsCompleteAndNothingIsInherited) {
  ::setenv("BOXLITE_SECRET_OF_THE_HOST", "1", 1);
  SpawnRequest request;
  request.argv = {"/usr/bin/env"};
  request.environment = {"A=1", "B=two words"};
  EXPECT_EQ(OutputOf(request), "A=1\nB=two words\n");
  ::unsetenv("BOXLITE_SECRET_OF_THE_HOST");
}

TEST(Spawn, NobodysChildHasASessionOfItsOwnAndIsNotOurs) {
  SpawnRequest request = Shell("cat /proc/$$/stat");
  request.parentage = Parentage::kNobodysChild;
  const std::string line = OutputOf(request);
  Result<ProcessStat> stat = ParseProcessStat(line);
  ASSERT_THAT(stat, IsOk()) << line;
  EXPECT_NE(stat->parent, ::getpid());
  // Fields 1, 5, 6: pid, group, session.
  int pid = 0;
  int group = 0;
  int session = 0;
  ASSERT_EQ(std::sscanf(line.c_str(), "%d (sh) %*c %*d %d %d", &pid, &group, &session), 3) << line;
  EXPECT_NE(session, ::getsid(0));
  EXPECT_NE(session, pid) << "no leader: it can never acquire a controlling terminal";
  EXPECT_EQ(group, session);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child of ours is left";
}

TEST(Spawn, TheDeathSignalReachesTheProgramWhenTheSpawningThreadEnds) {
  Result<FdPair> pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  pid_t pid = 0;
  std::thread spawner([&] {
    SpawnRequest request;
    request.argv = {"/bin/sleep", "600"};
    request.parent_death_signal = SIGKILL;
    Result<pid_t> spawned = Spawn(request);
    ASSERT_THAT(spawned, IsOk());
    pid = *spawned;
  });
  spawner.join();
  ASSERT_GT(pid, 1);
  EXPECT_EQ(ExitCodeOf(pid), -SIGKILL);
}

TEST(RunProgram, ReturnsTheOutputOrAnErrorThatContainsIt) {
  EXPECT_EQ(*RunProgram({"/bin/sh", "-c", "echo out; echo err >&2"}), "out\nerr\n");
  Result<std::string> failed = RunProgram({"/bin/sh", "-c", "echo why; exit 3"});
  ASSERT_THAT(failed, HasCode(ErrorCode::kInternal));
  EXPECT_NE(failed.error().message().find("why"), std::string::npos);
  EXPECT_THAT(RunProgram({"/no/such/program"}), HasCode(ErrorCode::kNotFound));
}

TEST(RunProgram, KeepsTheFirst64KiBAndDrainsTheRest) {
  Result<std::string> output =
      RunProgram({"/bin/sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"});
  ASSERT_THAT(output, IsOk());
  EXPECT_EQ(output->size(), 64u * 1024);
}

TEST(RunProgram, HandsOverTheNamedDescriptors) {
  TestDirectory dir;
  ASSERT_THAT(WriteFileOnce(dir.fd(), "f", "content", Durability::kVolatile), IsOk());
  Fd file(::openat(dir.fd(), "f", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(*RunProgram({"/bin/cat", "/proc/self/fd/5"}, {{file.get(), 5}}), "content");
}

TEST(RunProgram, WorksInAHostThatIgnoresSigchldAndTellsFailureThereToo) {
  // Such a host's children are reaped by the kernel and their exit codes are gone.
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before = {};
  ASSERT_EQ(::sigaction(SIGCHLD, &ignore, &before), 0);
  Result<std::string> good = RunProgram({"/bin/echo", "hello"});
  Result<std::string> bad = RunProgram({"/bin/sh", "-c", "echo why; exit 3"});
  Result<std::string> killed = RunProgram({"/bin/sh", "-c", "kill -9 $$"});
  Result<std::string> missing = RunProgram({"/no/such/program"});
  SpawnRequest detached = Shell("echo alive");
  detached.parentage = Parentage::kNobodysChild;
  const std::string output = OutputOf(detached);
  ::sigaction(SIGCHLD, &before, nullptr);
  ASSERT_THAT(good, IsOk());
  EXPECT_EQ(*good, "hello\n");
  EXPECT_THAT(bad, HasCode(ErrorCode::kInternal));
  EXPECT_THAT(killed, HasCode(ErrorCode::kInternal));
  EXPECT_THAT(missing, HasCode(ErrorCode::kNotFound));
  EXPECT_EQ(output, "alive\n");
}

}  // namespace
}  // namespace boxlite

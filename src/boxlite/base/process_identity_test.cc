#include "boxlite/base/process_identity.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

// Fields behind a name, as the kernel writes them: state, parent, ..., resident pages, more.
std::string StatLine(const std::string& name, const std::string& parent = "7",
                     const std::string& start = "123456") {
  return "42 (" + name + ") S " + parent + " 1 1 0 -1 4194304 0 0 0 0 30 12 0 0 20 0 1 0 " + start +
         " 10 20 18446744073709551615\n";
}

// A child that waits until the test lets go of it.
class Child {
 public:
  explicit Child(const char* name = nullptr) {
    Result<FdPair> pipe = MakePipe();
    Result<FdPair> ready = MakePipe();
    BOXLITE_CHECK(pipe.ok() && ready.ok());
    pid_ = ::fork();
    BOXLITE_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      if (name != nullptr) ::prctl(PR_SET_NAME, name);
      ::close(pipe->second.get());
      static_cast<void>(!::write(ready->second.get(), "r", 1));
      char byte;
      static_cast<void>(!::read(pipe->first.get(), &byte, 1));
      ::_exit(0);
    }
    char byte;
    BOXLITE_CHECK(::read(ready->first.get(), &byte, 1) == 1);
    release_ = std::move(pipe->second);
  }
  ~Child() {
    release_.Reset();
    Reap();
  }
  pid_t pid() const { return pid_; }
  // Ends it; it stays a zombie until Reap().
  void EndWithoutReaping() {
    release_.Reset();
    siginfo_t info = {};
    BOXLITE_CHECK(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) == 0);
  }
  void Reap() {
    if (reaped_) return;
    release_.Reset();
    BOXLITE_CHECK(::waitpid(pid_, nullptr, 0) == pid_);
    reaped_ = true;
  }

 private:
  pid_t pid_ = 0;
  Fd release_;
  bool reaped_ = false;
};

HostIdentity Here() {
  Result<HostIdentity> here = CurrentHostIdentity();
  BOXLITE_CHECK(here.ok());
  return *here;
}

TEST(ParseProcessStat, ReadsStateParentTimesAndMemory) {
  Result<ProcessStat> stat = ParseProcessStat(StatLine("sh"));
  ASSERT_THAT(stat, IsOk());
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->start_ticks, 123456u);
  EXPECT_EQ(stat->cpu_ticks, 42u);
  EXPECT_EQ(stat->resident_pages, 20u);
}

TEST(ParseProcessStat, ANameCannotForgeTheFieldsBehindIt) {
  for (const char* name :
       {"a b", ")", "x) Z 1 1", "(((", ") S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 9", "a\nb", ""}) {
    Result<ProcessStat> stat = ParseProcessStat(StatLine(name));
    ASSERT_THAT(stat, IsOk()) << name;
    EXPECT_EQ(stat->name, name);
    EXPECT_EQ(stat->state, 'S') << name;
    EXPECT_EQ(stat->start_ticks, 123456u) << name;
  }
}

TEST(ParseProcessStat, WhatIsNoSuchLineIsCorrupt) {
  for (const std::string& text :
       {std::string(), std::string("42"), std::string("42 (sh"), std::string("42 (sh)"),
        std::string("42 (sh) S 1"), StatLine("sh", "x"), StatLine("sh", "7", "-1"),
        StatLine("sh", "7", "99999999999999999999"), StatLine("sh", "99999999999"),
        std::string(") \n\n\n"), std::string(4096, ')')}) {
    EXPECT_THAT(ParseProcessStat(text), HasCode(ErrorCode::kCorrupt)) << text;
  }
}

TEST(ParseProcessStat, EndsExactlyAtField24) {
  const std::string line = StatLine("sh");
  const std::size_t end = line.find(" 20 184") + 3;
  EXPECT_THAT(ParseProcessStat(line.substr(0, end)), IsOk());
  EXPECT_THAT(ParseProcessStat(line.substr(0, end - 3)), HasCode(ErrorCode::kCorrupt));
}

TEST(ProcessIdentity, IsTheSameAsLongAsItLivesWhateverItCallsItself) {
  for (const char* name : {"x) Z 0 1 2", " ) ", "((("}) {
    Child child(name);
    Result<ProcessIdentity> identity = IdentityOf(child.pid());
    ASSERT_THAT(identity, IsOk());
    EXPECT_GT(identity->start_ticks, 0u);
    EXPECT_EQ(CheckIdentity(*identity, Here(), Here()), IdentityVerdict::kSame) << name;
  }
}

TEST(ProcessIdentity, AReusedPidIsAnotherProcess) {
  Child child;
  ProcessIdentity identity = *IdentityOf(child.pid());
  identity.start_ticks += 1;
  EXPECT_EQ(CheckIdentity(identity, Here(), Here()), IdentityVerdict::kDifferent);
  identity.start_ticks -= 2;
  EXPECT_EQ(CheckIdentity(identity, Here(), Here()), IdentityVerdict::kDifferent);
  EXPECT_THAT(ProcessHandle::Open(identity, Here()), HasCode(ErrorCode::kNotFound));
}

TEST(ProcessIdentity, AZombieIsAbsentAndSoIsAReapedOne) {
  Child child;
  const ProcessIdentity identity = *IdentityOf(child.pid());
  child.EndWithoutReaping();
  EXPECT_EQ((**ReadProcessStat(child.pid())).state, 'Z');
  EXPECT_EQ(CheckIdentity(identity, Here(), Here()), IdentityVerdict::kAbsent);
  EXPECT_THAT(ProcessHandle::Open(identity, Here()), HasCode(ErrorCode::kNotFound));
  child.Reap();
  EXPECT_EQ(CheckIdentity(identity, Here(), Here()), IdentityVerdict::kAbsent);
  EXPECT_THAT(ProcessHandle::Open(identity, Here()), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(IdentityOf(child.pid()), HasCode(ErrorCode::kNotFound));
}

TEST(ProcessIdentity, NoPidUpToOneIsEverUsed) {
  for (pid_t pid : {1, 0, -1, -4711}) {
    ProcessIdentity identity{pid, 0};
    if (pid == 1) identity = *IdentityOf(1);
    EXPECT_EQ(CheckIdentity(identity, Here(), Here()), IdentityVerdict::kCannotTell) << pid;
    EXPECT_THAT(ProcessHandle::Open(identity, Here()), HasCode(ErrorCode::kUnavailable)) << pid;
  }
}

TEST(ProcessIdentity, NothingSurvivesABoot) {
  const ProcessIdentity identity = *IdentityOf(::getpid());
  HostIdentity other = Here();
  other.boot_id = "00000000-0000-0000-0000-000000000000";
  EXPECT_EQ(CheckIdentity(identity, other, Here()), IdentityVerdict::kAbsent);
  other.pid_namespace += 1;
  EXPECT_EQ(CheckIdentity(identity, other, Here()), IdentityVerdict::kAbsent);
}

TEST(ProcessIdentity, InAnotherNamespaceAPidTellsNothing) {
  const ProcessIdentity identity = *IdentityOf(::getpid());
  HostIdentity other = Here();
  other.pid_namespace += 1;
  EXPECT_EQ(CheckIdentity(identity, other, Here()), IdentityVerdict::kCannotTell);
  EXPECT_THAT(ProcessHandle::Open(identity, other), HasCode(ErrorCode::kUnavailable));
  other = Here();
  other.time_namespace += 1;
  EXPECT_EQ(CheckIdentity(identity, other, Here()), IdentityVerdict::kCannotTell);
  other = Here();
  other.boot_id.clear();
  EXPECT_EQ(CheckIdentity(identity, other, Here()), IdentityVerdict::kCannotTell);
  EXPECT_EQ(CheckIdentity(identity, Here(), other), IdentityVerdict::kCannotTell);
}

TEST(HostIdentity, IsTheSameEachTimeAndComplete) {
  const HostIdentity here = Here();
  EXPECT_EQ(here, Here());
  EXPECT_EQ(here.boot_id.size(), 36u);
  EXPECT_NE(here.pid_namespace, 0u);
}

TEST(ProcessHandle, ReachesTheProcessAndSeesItsEnd) {
  Child child;
  Result<ProcessHandle> handle = ProcessHandle::Open(*IdentityOf(child.pid()), Here());
  ASSERT_THAT(handle, IsOk());
  EXPECT_FALSE(*handle->WaitEnded(0));
  EXPECT_FALSE(*handle->WaitEnded(5));
  ASSERT_THAT(handle->Signal(SIGKILL), IsOk());
  EXPECT_TRUE(*handle->WaitEnded(-1));
  EXPECT_TRUE(*handle->WaitEnded(0));
  child.Reap();
  EXPECT_THAT(handle->Signal(SIGKILL), IsOk()) << "an ended process is fine";
  EXPECT_TRUE(*handle->WaitEnded(0));
}

TEST(ProcessHandle, OfNoProcessIsNotFound) {
  Child child;
  child.Reap();
  EXPECT_THAT(ProcessHandle::Adopt(child.pid()), HasCode(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace boxlite

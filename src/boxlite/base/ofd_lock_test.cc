#include "boxlite/base/ofd_lock.h"

#include <sys/wait.h>

#include <thread>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

class OfdLockTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(WriteFileOnce(dir_.fd(), "l", "", Durability::kVolatile), IsOk());
  }
  LockState Probe() {
    Result<LockState> state = ProbeLock(dir_.fd(), "l");
    EXPECT_THAT(state, IsOk());
    return state.ok() ? *state : LockState::kFree;
  }
  TestDirectory dir_;
};

TEST_F(OfdLockTest, IsSharedByReadersAndHadAloneByAWriter) {
  Result<OfdLock> one = OfdLock::TryAcquire(dir_.fd(), "l", LockMode::kShared);
  ASSERT_THAT(one, IsOk());
  EXPECT_THAT(OfdLock::TryAcquire(dir_.fd(), "l", LockMode::kShared), IsOk());
  EXPECT_THAT(OfdLock::TryAcquire(dir_.fd(), "l"), HasCode(ErrorCode::kConflict));
  EXPECT_EQ(*ProbeLock(dir_.fd(), "l"), LockState::kHeld);
}

TEST_F(OfdLockTest, IsHeldUntilItIsDestroyed) {
  EXPECT_EQ(Probe(), LockState::kFree);
  {
    Result<OfdLock> lock = OfdLock::TryAcquire(dir_.fd(), "l");
    ASSERT_THAT(lock, IsOk());
    EXPECT_EQ(Probe(), LockState::kHeld);
    EXPECT_EQ(Probe(), LockState::kHeld) << "a probe takes and releases nothing";
  }
  EXPECT_EQ(Probe(), LockState::kFree);
}

TEST_F(OfdLockTest, ASecondDescriptionOfTheSameProcessConflicts) {
  Result<OfdLock> first = OfdLock::TryAcquire(dir_.fd(), "l");
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(OfdLock::TryAcquire(dir_.fd(), "l"), HasCode(ErrorCode::kConflict));
  EXPECT_THAT(ProbeLock(first->fd()), IsOk());
  EXPECT_EQ(*ProbeLock(first->fd()), LockState::kFree) << "its own description reads as free";
}

TEST_F(OfdLockTest, ClosingAnotherDescriptorOfTheFileDoesNotReleaseIt) {
  // The trap of ordinary POSIX locks, which any library's open and close of the file would spring.
  Result<OfdLock> lock = OfdLock::TryAcquire(dir_.fd(), "l");
  ASSERT_THAT(lock, IsOk());
  { Fd other(::openat(dir_.fd(), "l", O_RDWR | O_CLOEXEC)); }
  EXPECT_EQ(Probe(), LockState::kHeld);
}

TEST_F(OfdLockTest, AChildThatInheritedTheDescriptionKeepsItHeld) {
  Result<FdPair> pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  std::optional<OfdLock> lock;
  {
    Result<OfdLock> acquired = OfdLock::TryAcquire(dir_.fd(), "l");
    ASSERT_THAT(acquired, IsOk());
    lock.emplace(std::move(*acquired));
  }
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(pipe->second.get());
    char byte;
    static_cast<void>(!::read(pipe->first.get(), &byte, 1));
    ::_exit(0);
  }
  lock.reset();
  EXPECT_EQ(Probe(), LockState::kHeld);
  pipe->second.Reset();
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(Probe(), LockState::kFree);
}

TEST_F(OfdLockTest, ItsHoldersDeathBySigkillReleasesIt) {
  Result<FdPair> ready = MakePipe();
  ASSERT_THAT(ready, IsOk());
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Result<OfdLock> lock = OfdLock::TryAcquire(dir_.fd(), "l");
    const char byte = lock.ok() ? 'y' : 'n';
    static_cast<void>(!::write(ready->second.get(), &byte, 1));
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready->first.get(), &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  EXPECT_EQ(Probe(), LockState::kHeld);
  EXPECT_THAT(OfdLock::TryAcquire(dir_.fd(), "l"), HasCode(ErrorCode::kConflict));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(Probe(), LockState::kFree);
}

TEST_F(OfdLockTest, AdoptedFromADescriptorItIsReleasedWithIt) {
  Result<OfdLock> lock = OfdLock::TryAcquire(dir_.fd(), "l");
  ASSERT_THAT(lock, IsOk());
  Result<Fd> copy = DuplicateFd(lock->fd());
  ASSERT_THAT(copy, IsOk());
  { OfdLock gone = std::move(*lock); }
  EXPECT_EQ(Probe(), LockState::kHeld) << "the copy is of the same description";
  { OfdLock adopted = OfdLock::Adopt(std::move(*copy)); }
  EXPECT_EQ(Probe(), LockState::kFree);
}

TEST_F(OfdLockTest, AMissingFileIsFreeToAProbeAndNotFoundToAnAcquirer) {
  Result<LockState> probe = ProbeLock(dir_.fd(), "none");
  ASSERT_THAT(probe, IsOk());
  EXPECT_EQ(*probe, LockState::kFree);
  EXPECT_THAT(OfdLock::TryAcquire(dir_.fd(), "none"), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(*ListDirectory(dir_.fd()), testing::ElementsAre("l")) << "and nothing was created";
}

TEST_F(OfdLockTest, ALockOnARemovedFileSaysNothingOfTheNewOne) {
  Result<OfdLock> old = OfdLock::TryAcquire(dir_.fd(), "l");
  ASSERT_THAT(old, IsOk());
  ASSERT_EQ(::renameat(dir_.fd(), "l", dir_.fd(), "old"), 0);
  ASSERT_THAT(WriteFileOnce(dir_.fd(), "l", "", Durability::kVolatile), IsOk());
  EXPECT_EQ(Probe(), LockState::kFree);
  EXPECT_THAT(OfdLock::TryAcquire(dir_.fd(), "l"), IsOk());
  EXPECT_EQ(*ProbeLock(dir_.fd(), "old"), LockState::kHeld);
}

TEST_F(OfdLockTest, AWaiterGetsItWhenItIsReleasedAndTimesOutOtherwise) {
  std::optional<OfdLock> held;
  {
    Result<OfdLock> acquired = OfdLock::TryAcquire(dir_.fd(), "l");
    ASSERT_THAT(acquired, IsOk());
    held.emplace(std::move(*acquired));
  }
  EXPECT_THAT(OfdLock::Acquire(dir_.fd(), "l", std::chrono::milliseconds(0)),
              HasCode(ErrorCode::kTimeout));
  EXPECT_THAT(OfdLock::Acquire(dir_.fd(), "l", std::chrono::milliseconds(20)),
              HasCode(ErrorCode::kTimeout));
  std::thread waiter(
      [&] { EXPECT_THAT(OfdLock::Acquire(dir_.fd(), "l", std::chrono::seconds(30)), IsOk()); });
  held.reset();
  waiter.join();
}

TEST_F(OfdLockTest, AWaiterForARemovedBoxIsToldSoInsteadOfWaiting) {
  // The race is between open and fcntl inside TryAcquire; the loser of it must not think it has the
  // box. Removal and locking go on at once: each acquirer ends with the lock of the file that is
  // there.
  for (int round = 0; round < 200; ++round) {
    std::thread remover([&] { ::renameat(dir_.fd(), "l", dir_.fd(), "trash"); });
    Result<OfdLock> lock = OfdLock::TryAcquire(dir_.fd(), "l");
    remover.join();
    if (!lock.ok()) {
      EXPECT_THAT(lock, HasCode(ErrorCode::kNotFound));
    }
    ASSERT_EQ(::renameat(dir_.fd(), "trash", dir_.fd(), "l"), 0);
  }
}

}  // namespace
}  // namespace boxlite

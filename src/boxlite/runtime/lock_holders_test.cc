#include "boxlite/runtime/lock_holders.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using testing::HasSubstr;

// A child that opens `name` and, when `locks`, locks it; it lives until this is destroyed.
class Holder {
 public:
  Holder(const TestDirectory& dir, const std::string& name, bool locks,
         const char* comm = nullptr) {
    Result<FdPair> ready = MakePipe();
    Result<FdPair> hold = MakePipe();
    BOXLITE_CHECK(ready.ok() && hold.ok());
    pid_ = ::fork();
    BOXLITE_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      if (comm != nullptr) ::prctl(PR_SET_NAME, comm);
      ::close(hold->second.get());
      Fd opened(::openat(dir.fd(), name.c_str(), O_RDWR | O_CLOEXEC));
      Result<OfdLock> lock = Error(ErrorCode::kInternal, "none");
      if (locks) lock = OfdLock::TryAcquire(dir.fd(), name);
      const char byte = !locks || lock.ok() ? 'y' : 'n';
      static_cast<void>(!::write(ready->second.get(), &byte, 1));
      char end;
      static_cast<void>(!::read(hold->first.get(), &end, 1));
      ::_exit(0);
    }
    char byte = 0;
    BOXLITE_CHECK(::read(ready->first.get(), &byte, 1) == 1 && byte == 'y');
    release_ = std::move(hold->second);
  }
  ~Holder() {
    release_.Reset();
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  Fd release_;
};

class LockHoldersTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"l", "other"}) {
      ASSERT_THAT(WriteFileOnce(dir_.fd(), name, "", Durability::kVolatile), IsOk());
    }
  }
  std::vector<LockHolderProcess> Find(const std::string& name) {
    Result<std::vector<LockHolderProcess>> holders = FindLockHolders(dir_.fd(), name);
    EXPECT_THAT(holders, IsOk());
    return holders.ok() ? std::move(*holders) : std::vector<LockHolderProcess>();
  }
  TestDirectory dir_;
};

TEST_F(LockHoldersTest, FindsWhoCarriesTheLockAndItsHandleReachesIt) {
  Holder holder(dir_, "l", true);
  std::vector<LockHolderProcess> found = Find("l");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pid, holder.pid());
  ASSERT_THAT(found[0].handle.Signal(SIGKILL), IsOk());
  EXPECT_TRUE(*found[0].handle.WaitEnded(-1));
  EXPECT_TRUE(Find("l").empty());
}

TEST_F(LockHoldersTest, WhoOnlyOpenedTheFileOrLocksAnotherIsNone) {
  Holder opener(dir_, "l", false);
  Holder other(dir_, "other", true);
  EXPECT_TRUE(Find("l").empty());
  EXPECT_FALSE(CarriesLock(opener.pid(), dir_.fd(), "l"));
  EXPECT_FALSE(CarriesLock(other.pid(), dir_.fd(), "l"));
  EXPECT_TRUE(CarriesLock(other.pid(), dir_.fd(), "other"));
}

TEST_F(LockHoldersTest, ThisProcessIsNotAmongThem) {
  Result<OfdLock> ours = OfdLock::TryAcquire(dir_.fd(), "l");
  ASSERT_THAT(ours, IsOk());
  EXPECT_TRUE(Find("l").empty());
}

TEST_F(LockHoldersTest, WhoInheritedTheLockIsOne) {
  // As QEMU inherits the machine's lock from its shim.
  std::optional<OfdLock> ours;
  {
    Result<OfdLock> acquired = OfdLock::TryAcquire(dir_.fd(), "l");
    ASSERT_THAT(acquired, IsOk());
    ours.emplace(std::move(*acquired));
  }
  Holder heir(dir_, "other", false);  // forked with the lock open
  ours.reset();
  std::vector<LockHolderProcess> found = Find("l");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pid, heir.pid());
}

TEST_F(LockHoldersTest, AMissingFileIsAnErrorAndNobodyCarriesIt) {
  EXPECT_THAT(FindLockHolders(dir_.fd(), "none"), HasCode(ErrorCode::kNotFound));
  EXPECT_FALSE(CarriesLock(::getpid(), dir_.fd(), "none"));
  EXPECT_FALSE(CarriesLock(1 << 29, dir_.fd(), "l"));
}

TEST_F(LockHoldersTest, AreDescribedByNameAndPid) {
  Holder holder(dir_, "l", true, "qemu (odd)");
  const std::string words = DescribeHolders(Find("l"));
  EXPECT_THAT(words, HasSubstr("qemu (odd) (pid " + std::to_string(holder.pid()) + ")"));
  EXPECT_FALSE(DescribeHolders({}).empty());
}

}  // namespace
}  // namespace boxlite

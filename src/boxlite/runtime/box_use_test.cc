#include "boxlite/runtime/box_use.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

TEST(HostUse, IsReadOfTheRecordedProcess) {
  Result<ProcessIdentity> self = IdentityOf(::getpid());
  Result<HostIdentity> here = CurrentHostIdentity();
  ASSERT_TRUE(self.ok() && here.ok());
  Result<HostUse> use = ReadHostUse(*self, *here);
  ASSERT_THAT(use, IsOk());
  EXPECT_EQ(use->pid, ::getpid());
  EXPECT_GT(use->resident_bytes, 100'000u);
  EXPECT_GT(use->proportional_bytes, 0u);
  EXPECT_LE(use->proportional_bytes, use->resident_bytes);
}

TEST(HostUse, IsNotReadOfAnotherProcessWithThePid) {
  Result<ProcessIdentity> self = IdentityOf(::getpid());
  Result<HostIdentity> here = CurrentHostIdentity();
  ASSERT_TRUE(self.ok() && here.ok());
  ProcessIdentity other = *self;
  ++other.start_ticks;
  EXPECT_THAT(ReadHostUse(other, *here), HasCode(ErrorCode::kNotFound));
  HostIdentity before = *here;
  before.boot_id = "another boot";
  EXPECT_THAT(ReadHostUse(*self, before), HasCode(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace boxlite

#include "boxlite/disk/posix_acl.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

std::string Acl(const std::vector<std::array<unsigned, 2>>& entries, char version = 2) {
  std::string value = {version, 0, 0, 0};
  for (const auto& [tag, permissions] : entries) {
    value += {static_cast<char>(tag), 0, static_cast<char>(permissions), 0, 9, 0, 0, 0};
  }
  return value;
}

TEST(PosixAcl, SaysWhatBecomesOfTheMode) {
  const Result<AclEffect> full = ReadAcl(Acl({{1, 7}, {2, 6}, {4, 5}, {16, 4}, {32, 1}}));
  ASSERT_THAT(full, IsOk());
  EXPECT_EQ(full->permissions, 0741U);
  EXPECT_FALSE(full->minimal);
  const Result<AclEffect> minimal = ReadAcl(Acl({{1, 6}, {4, 4}, {32, 0}}));
  ASSERT_THAT(minimal, IsOk());
  EXPECT_EQ(minimal->permissions, 0640U);
  EXPECT_TRUE(minimal->minimal);
}

TEST(PosixAcl, RefusesWhatTheKernelWould) {
  const std::string good = Acl({{1, 7}, {4, 5}, {32, 1}});
  for (const std::string& bad :
       {std::string(), std::string("x"), good.substr(0, 11), Acl({{1, 7}, {4, 5}, {32, 1}}, 1),
        Acl({{1, 7}, {4, 5}}), Acl({{1, 7}, {1, 7}, {4, 5}, {32, 1}}),
        Acl({{1, 8}, {4, 5}, {32, 1}}), Acl({{1, 7}, {2, 7}, {4, 5}, {32, 1}}),
        Acl({{1, 7}, {3, 7}, {4, 5}, {32, 1}})}) {
    EXPECT_THAT(ReadAcl(bad), HasCode(ErrorCode::kCorrupt));
  }
}

}  // namespace
}  // namespace boxlite

#include "boxlite/agent/user_database.h"

#include <gtest/gtest.h>

namespace boxlite {
namespace {

constexpr char kPasswd[] =
    "root:x:0:0:root:/root:/bin/sh\n"
    "\n"
    "# a comment\n"
    "short:x:5\n"
    "long:x:5:5:a:b:c:d\n"
    ":x:6:6::/:/bin/sh\n"
    "badid:x:12a:0::/:/bin/sh\n"
    "box:x:1000:1001:Box,,,:/home/box:/bin/sh\n"
    "twin:x:1000:7::/home/twin:/bin/sh\n"
    "1000:x:44:44::/numeric:/bin/sh\n"
    "homeless:x:9:9:::/bin/sh\n"
    "last:x:10:10::/last:/bin/sh";
constexpr char kGroup[] =
    "root:x:0:\n"
    "users:x:100:box,other\n"
    "audio:x:29:other,box\n"
    "boxers:x:30:boxer\n"
    "broken:x\n"
    "wheel:x:10:root\n";

Result<UserIdentity> Resolve(std::string_view user) { return ResolveUser(user, kPasswd, kGroup); }

TEST(UserDatabase, NobodyNamedIsRootWithItsGroupsAndHome) {
  Result<UserIdentity> root = Resolve("");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(*root, (UserIdentity{0, 0, {10}, "/root"}));
}

TEST(UserDatabase, ANameGetsItsEntryAndTheGroupsThatListIt) {
  Result<UserIdentity> box = Resolve("box");
  ASSERT_TRUE(box.ok());
  EXPECT_EQ(*box, (UserIdentity{1000, 1001, {100, 29}, "/home/box"}));
}

TEST(UserDatabase, ANumberGetsTheFirstEntryOfThatUid) {
  Result<UserIdentity> user = Resolve("9");
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(user->gid, 9u);
}

TEST(UserDatabase, AnEntryNamedLikeANumberBeatsTheUid) {
  Result<UserIdentity> user = Resolve("1000");
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(user->uid, 44u);
  EXPECT_EQ(user->home, "/numeric");
}

TEST(UserDatabase, AnUnknownNumberIsTakenAsItIs) {
  Result<UserIdentity> user = Resolve("4242");
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(*user, (UserIdentity{4242, 0, {}, "/"}));
}

TEST(UserDatabase, ANamedGroupReplacesAllOthers) {
  Result<UserIdentity> by_name = Resolve("box:audio");
  ASSERT_TRUE(by_name.ok());
  EXPECT_EQ(*by_name, (UserIdentity{1000, 29, {}, "/home/box"}));
  Result<UserIdentity> by_number = Resolve("7:4711");
  ASSERT_TRUE(by_number.ok());
  EXPECT_EQ(*by_number, (UserIdentity{7, 4711, {}, "/"}));
}

TEST(UserDatabase, AnEmptyGroupIsNone) {
  Result<UserIdentity> box = Resolve("box:");
  ASSERT_TRUE(box.ok());
  EXPECT_EQ(box->gid, 1001u);
}

TEST(UserDatabase, UnknownNamesAreNotFound) {
  EXPECT_EQ(Resolve("nobody").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(Resolve("box:nogroup").error().code(), ErrorCode::kNotFound);
  // Parts of lines that are no entries do not count.
  EXPECT_EQ(Resolve("short").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(Resolve("long").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(Resolve("badid").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(Resolve("box:broken").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(Resolve("ro").error().code(), ErrorCode::kNotFound);
}

TEST(UserDatabase, NumbersEndAtTheLargestThatDockerTakes) {
  EXPECT_EQ(Resolve("2147483647")->uid, 2147483647u);
  EXPECT_EQ(Resolve("2147483648").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Resolve("4294967295").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Resolve("99999999999999999999").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Resolve("0:2147483648").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Resolve("-1").error().code(), ErrorCode::kNotFound);
}

TEST(UserDatabase, AGroupWithoutAUserIsRefused) {
  EXPECT_EQ(Resolve(":users").error().code(), ErrorCode::kInvalidArgument);
}

TEST(UserDatabase, FilesMayBeEmptyOrEndWithoutANewline) {
  EXPECT_EQ(ResolveUser("", "", "")->uid, 0u);
  EXPECT_EQ(Resolve("last")->home, "/last");
  EXPECT_EQ(Resolve("homeless")->home, "/");
}

TEST(UserDatabase, MoreGroupsThanTheKernelTakesAreRefused) {
  std::string groups;
  for (std::size_t i = 0; i < kMaxSupplementaryGroups; ++i) groups += "g:x:7:box\n";
  EXPECT_EQ(ResolveUser("box", kPasswd, groups)->supplementary.size(), kMaxSupplementaryGroups);
  groups += "g:x:7:box\n";
  EXPECT_EQ(ResolveUser("box", kPasswd, groups).error().code(), ErrorCode::kResourceExhausted);
}

TEST(UserNames, AreOfTheFirstEntryOfEachNumber) {
  using Names = std::map<uid_t, std::string>;
  EXPECT_EQ(UserNames({0, 1000, 77}, kPasswd), (Names{{0, "root"}, {1000, "box"}}));
  EXPECT_EQ(UserNames({}, kPasswd), Names());
  EXPECT_EQ(UserNames({5}, std::string(4000, 'x') + ":x:5:5::/:\nshort:x:5:5::/:\n"),
            (Names{{5, "short"}}));
}

}  // namespace
}  // namespace boxlite

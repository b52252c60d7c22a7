#include "boxlite/cli/detach_keys.h"

#include "boxlite/base/testing.h"

namespace boxlite::cli {
namespace {

std::string Bytes(std::string_view text) {
  Result<std::string> bytes = ParseDetachKeys(text);
  return bytes.ok() ? *bytes : "error: " + bytes.error().message();
}

TEST(DetachKeys, AreTheBytesThatTheKeysSend) {
  EXPECT_EQ(Bytes(kDefaultDetachKeys), "\x10\x11");
  EXPECT_EQ(Bytes("ctrl-a"), "\x01");
  EXPECT_EQ(Bytes("ctrl-A,z"), "\x01z");
  EXPECT_EQ(Bytes("ctrl-@"), std::string(1, '\0'));
  EXPECT_EQ(Bytes("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_"), "\x1b\x1c\x1d\x1e\x1f");
  EXPECT_EQ(Bytes("~,."), "~.");
  EXPECT_EQ(Bytes(",,,"), ",,");
}

TEST(DetachKeys, EmptyMeansThatNothingDetaches) { EXPECT_EQ(Bytes(""), ""); }

TEST(DetachKeys, WhatIsNoKeyIsNamed) {
  for (const char* text : {"ctrl-1", "ctrl-", "ctrl-pq", "ab", "alt-x", "a,b,", "ctrl-p,,q"}) {
    EXPECT_THAT(ParseDetachKeys(text), HasCode(ErrorCode::kInvalidArgument)) << text;
  }
  EXPECT_NE(Bytes("ctrl-p,alt-x").find("'alt-x'"), std::string::npos);
}

}  // namespace
}  // namespace boxlite::cli

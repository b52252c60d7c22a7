#include "boxlite/cli/instant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

namespace boxlite::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'795'526'285 * kSecond;  // 2026-11-24T13:18:05Z

class Instant : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "XYZ-2", 1);
    ::tzset();
  }
  void TearDown() override {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST_F(Instant, IsADateInTheZoneItNamesElseInTheCallers) {
  EXPECT_EQ(*ParseInstant("2026-11-24T13:18:05Z", 0), kNow);
  EXPECT_EQ(*ParseInstant("2026-11-24T13:18:05.25z", 0), kNow + kSecond / 4);
  EXPECT_EQ(*ParseInstant("2026-11-24T14:48:05+01:30", 0), kNow);
  EXPECT_EQ(*ParseInstant("2026-11-24T08:18:05-05:00", 0), kNow);
  EXPECT_EQ(*ParseInstant("2026-11-24T15:18:05", 0), kNow);
  EXPECT_EQ(*ParseInstant("2026-11-24T15:18", 0), kNow - 5 * kSecond);
  EXPECT_EQ(*ParseInstant("2026-11-24", 0), 1'795'471'200 * kSecond);
  EXPECT_EQ(*ParseInstant("2028-02-29T00:00Z", 0), 1'835'395'200 * kSecond);
}

TEST_F(Instant, IsSecondsSince1970) {
  EXPECT_EQ(*ParseInstant("1795526285", 0), kNow);
  EXPECT_EQ(*ParseInstant("1795526285.000000001", 0), kNow + 1);
  EXPECT_EQ(*ParseInstant("0", 5), 0);
}

TEST_F(Instant, IsHowLongAgo) {
  EXPECT_EQ(*ParseInstant("10m", kNow), kNow - 600 * kSecond);
  EXPECT_EQ(*ParseInstant("1h30m", kNow), kNow - 5400 * kSecond);
  EXPECT_EQ(*ParseInstant("1.5h", kNow), kNow - 5400 * kSecond);
  EXPECT_EQ(*ParseInstant("250ms", kNow), kNow - kSecond / 4);
  EXPECT_EQ(*ParseInstant("0s", kNow), kNow);
  EXPECT_EQ(*ParseInstant("-5m", kNow), kNow + 300 * kSecond);
}

TEST_F(Instant, IsNothingElse) {
  for (const char* text : {"",
                           "x",
                           "-",
                           "m",
                           "1d",
                           "5mm",
                           "1h30",
                           "2026-13-01",
                           "2026-02-30",
                           "2026-1-32",
                           "2026-11-24T",
                           "2026-11-24T25:00",
                           "2026-11-24T12:00:00.",
                           "2026-11-24T12:00:00+1",
                           "2026-11-24T12:00:00Zx",
                           "1e9",
                           "-1795526285",
                           "1795526285.",
                           "1.2.3",
                           "99999999999",
                           "999999h999999h999999h",
                           "2026-11-24 12:00",
                           "+5m",
                           "1795526285.1234567890"}) {
    EXPECT_FALSE(ParseInstant(text, kNow).ok()) << text;
  }
}

TEST_F(Instant, RefusalShowsHowItIsWritten) {
  EXPECT_THAT(ParseInstant("yesterday", kNow).error().message(),
              testing::HasSubstr("'yesterday' is not a time: a date like 2026-11-24T13:18:05Z"));
}

}  // namespace
}  // namespace boxlite::cli

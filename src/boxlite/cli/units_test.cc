#include "boxlite/cli/units.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <limits>

namespace boxlite::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Units, ReadsSizesAsDockerDoes) {
  struct Case {
    const char* text;
    std::uint64_t bare_unit;
    std::uint64_t bytes;
  };
  for (const Case& each : std::initializer_list<Case>{{"512", kMib, 512 * kMib},
                                                      {"512m", kMib, 512 * kMib},
                                                      {"512M", kGib, 512 * kMib},
                                                      {"2g", kMib, 2 * kGib},
                                                      {"2GB", kMib, 2 * kGib},
                                                      {"2GiB", kMib, 2 * kGib},
                                                      {"1.5g", kMib, kGib + kGib / 2},
                                                      {"0.25k", kMib, 256},
                                                      {"1t", kMib, 1024 * kGib},
                                                      {"100b", kMib, 100},
                                                      {"20", kGib, 20 * kGib},
                                                      {"0", kGib, 0},
                                                      {"18446744073709551615b", 1, UINT64_MAX}}) {
    Result<std::uint64_t> size = ParseSize(each.text, each.bare_unit);
    ASSERT_TRUE(size.ok()) << each.text << ": " << size.error().message();
    EXPECT_EQ(*size, each.bytes) << each.text;
  }
}

TEST(Units, RefusesWhatIsNoSize) {
  for (const char* text :
       {"", "m", "-1", "+1", " 1", "1 g", "1x", "1gg", "1.", ".5g", "1.5.5", "1e3", "0x10",
        "18446744073709551616b", "16777217t", "1.1234567g", "1,5g"}) {
    EXPECT_FALSE(ParseSize(text, kMib).ok()) << text;
  }
}

TEST(Units, ShowsSizesInFourDigitsAndThousands) {
  struct Case {
    std::uint64_t bytes;
    const char* text;
  };
  for (const Case& each : std::initializer_list<Case>{{0, "0B"},
                                                      {999, "999B"},
                                                      {1000, "1kB"},
                                                      {1'234'567, "1.235MB"},
                                                      {20'000'000'000, "20GB"},
                                                      {UINT64_MAX, "1.845e+04PB"}}) {
    EXPECT_EQ(DecimalSize(each.bytes), each.text);
  }
}

TEST(Units, ReadsDurationsUpToAYear) {
  EXPECT_EQ(*ParseDuration("0"), milliseconds(0));
  EXPECT_EQ(*ParseDuration("10"), seconds(10));
  EXPECT_EQ(*ParseDuration("90s"), seconds(90));
  EXPECT_EQ(*ParseDuration("2m"), seconds(120));
  EXPECT_EQ(*ParseDuration("1h"), seconds(3600));
  EXPECT_TRUE(ParseDuration("31622400").ok());
  for (const char* text :
       {"", "-1", "s", "1d", "1.5", "31622401", "9999h", "99999999999999999999"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Units, ReadsSignalsByNameAndNumber) {
  EXPECT_EQ(*ParseSignal("KILL"), SIGKILL);
  EXPECT_EQ(*ParseSignal("SIGTERM"), SIGTERM);
  EXPECT_EQ(*ParseSignal("sighup"), SIGHUP);
  EXPECT_EQ(*ParseSignal("1"), 1);
  EXPECT_EQ(*ParseSignal("64"), 64);
  for (const char* text : {"", "0", "65", "-9", "FOO", "SIG", "9x"}) {
    EXPECT_FALSE(ParseSignal(text).ok()) << text;
  }
}

TEST(Units, TellsDurationsInTheLargestFittingUnit) {
  struct Case {
    seconds duration;
    const char* text;
  };
  for (const Case& each : std::initializer_list<Case>{{seconds(-5), "less than a second"},
                                                      {seconds(0), "less than a second"},
                                                      {seconds(1), "1 second"},
                                                      {seconds(59), "59 seconds"},
                                                      {seconds(60), "1 minute"},
                                                      {seconds(3599), "59 minutes"},
                                                      {seconds(3600), "1 hour"},
                                                      {seconds(47 * 3600), "47 hours"},
                                                      {seconds(48 * 3600), "2 days"},
                                                      {seconds(14 * 86400), "2 weeks"},
                                                      {seconds(90 * 86400), "3 months"},
                                                      {seconds(800 * 86400), "2 years"}}) {
    EXPECT_EQ(DescribeDuration(each.duration), each.text);
  }
}

TEST(Units, WritesTimesInUtcWithNanoseconds) {
  EXPECT_EQ(FormatTime(0), "");
  EXPECT_EQ(FormatTime(1'000'000'000'000'000'042), "2001-09-09T01:46:40.000000042Z");
}

TEST(BinarySize, UsesTheLargestUnitBelowIt) {
  EXPECT_EQ(BinarySize(0), "0 B");
  EXPECT_EQ(BinarySize(1023), "1023 B");
  EXPECT_EQ(BinarySize(1536), "1.5 KiB");
  EXPECT_EQ(BinarySize(20 * kMib), "20.0 MiB");
  EXPECT_EQ(BinarySize(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

}  // namespace
}  // namespace boxlite::cli

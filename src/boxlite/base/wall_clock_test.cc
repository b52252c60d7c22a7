#include "boxlite/base/wall_clock.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

namespace boxlite {
namespace {

constexpr std::int64_t kTime = 1'795'526'285'000'000'042;  // 2026-11-24 13:18:05 UTC

class InZone {
 public:
  explicit InZone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~InZone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST(WallClock, IsShownInUtcWithNineDigits) {
  EXPECT_EQ(FormatUtcTime(kTime), "2026-11-24T13:18:05.000000042Z");
  EXPECT_EQ(FormatUtcTime(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(FormatUtcTime(-1), "");
}

TEST(WallClock, IsShownInTheZoneOfTheProcessWithItsDistance) {
  {
    const InZone west("XYZ3:30");
    EXPECT_EQ(FormatLocalTime(kTime), "2026-11-24T09:48:05.000000042-03:30");
  }
  {
    const InZone east("XYZ-1");
    EXPECT_EQ(FormatLocalTime(kTime), "2026-11-24T14:18:05.000000042+01:00");
  }
  const InZone none("UTC0");
  EXPECT_EQ(FormatLocalTime(kTime), "2026-11-24T13:18:05.000000042Z");
}

TEST(WallClock, GoesOn) { EXPECT_GT(WallClockNowNs(), 1'700'000'000'000'000'000); }

}  // namespace
}  // namespace boxlite

#include "boxlite/base/wall_clock.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>

namespace boxlite {
namespace {

constexpr std::int64_t kBillion = 1'000'000'000;

std::string DateAndFraction(const tm& parts, std::int64_t unix_ns) {
  char date[64];
  const std::size_t length = ::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%09d", static_cast<int>(unix_ns % kBillion));
  return std::string(date, length) + fraction;
}

}  // namespace

std::int64_t WallClockNowNs() {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * kBillion + now.tv_nsec;
}

std::string FormatUtcTime(std::int64_t unix_ns) {
  const time_t seconds = static_cast<time_t>(unix_ns / kBillion);
  tm parts = {};
  if (unix_ns < 0 || ::gmtime_r(&seconds, &parts) == nullptr) return "";
  return DateAndFraction(parts, unix_ns) + "Z";
}

std::string FormatLocalTime(std::int64_t unix_ns) {
  const time_t seconds = static_cast<time_t>(unix_ns / kBillion);
  tm parts = {};
  if (unix_ns < 0 || ::localtime_r(&seconds, &parts) == nullptr) return "";
  if (parts.tm_gmtoff == 0) return DateAndFraction(parts, unix_ns) + "Z";
  const long minutes = std::labs(parts.tm_gmtoff) / 60;
  char zone[16];
  std::snprintf(zone, sizeof zone, "%c%02d:%02d", parts.tm_gmtoff < 0 ? '-' : '+',
                static_cast<int>(minutes / 60 % 24), static_cast<int>(minutes % 60));
  return DateAndFraction(parts, unix_ns) + zone;
}

}  // namespace boxlite

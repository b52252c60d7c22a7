#include "boxlite/cli/instant.h"

#include <time.h>

#include <algorithm>
#include <array>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kFractionDigits = 9;
// Some hundred years: sums with it stay within 64 bits.
constexpr std::uint64_t kLargestSeconds = 9'000'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes `text`'s digits, at most `most` of them.
std::optional<int> TakeDigits(std::string_view& text, std::size_t most) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsDigit);
  const auto count = static_cast<std::size_t>(end - text.begin());
  if (count == 0 || count > most) return std::nullopt;
  int number = 0;
  for (const char digit : text.substr(0, count)) number = number * 10 + (digit - '0');
  text.remove_prefix(count);
  return number;
}

bool TakeMark(std::string_view& text, char mark) {
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(1);
  return true;
}

// ".5" as nanoseconds; no point: 0.
std::optional<std::int64_t> TakeFraction(std::string_view& text) {
  if (!TakeMark(text, '.')) return 0;
  const std::size_t before = text.size();
  std::string_view rest = text;
  const std::optional<int> digits = TakeDigits(rest, kFractionDigits);
  if (!digits) return std::nullopt;
  std::int64_t fraction = *digits;
  for (std::size_t i = before - rest.size(); i < kFractionDigits; ++i) fraction *= 10;
  text = rest;
  return fraction;
}

// "Z", "+01:00"; nullopt: none of them. In seconds east.
std::optional<int> TakeZone(std::string_view& text) {
  if (TakeMark(text, 'Z') || TakeMark(text, 'z')) return 0;
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!TakeMark(text, '+') && !TakeMark(text, '-')) return std::nullopt;
  const std::optional<int> hours = TakeDigits(text, 2);
  if (!hours || !TakeMark(text, ':')) return std::nullopt;
  const std::optional<int> minutes = TakeDigits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

// [YEAR-MONTH-DAY] and what may follow it.
std::optional<std::int64_t> ParseDate(std::string_view text) {
  tm parts = {};
  const std::optional<int> year = TakeDigits(text, 4);
  if (!year || *year < 1970 || !TakeMark(text, '-')) return std::nullopt;
  const std::optional<int> month = TakeDigits(text, 2);
  if (!month || *month < 1 || *month > 12 || !TakeMark(text, '-')) return std::nullopt;
  const std::optional<int> day = TakeDigits(text, 2);
  if (!day || *day < 1 || *day > 31) return std::nullopt;
  std::int64_t fraction = 0;
  if (TakeMark(text, 'T') || TakeMark(text, 't')) {
    const std::optional<int> hour = TakeDigits(text, 2);
    if (!hour || *hour > 23 || !TakeMark(text, ':')) return std::nullopt;
    const std::optional<int> minute = TakeDigits(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    parts.tm_hour = *hour;
    parts.tm_min = *minute;
    if (TakeMark(text, ':')) {
      const std::optional<int> second = TakeDigits(text, 2);
      if (!second || *second > 60) return std::nullopt;
      parts.tm_sec = *second;
      const std::optional<std::int64_t> part = TakeFraction(text);
      if (!part) return std::nullopt;
      fraction = *part;
    }
  }
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_isdst = -1;
  std::int64_t seconds = 0;
  if (text.empty()) {
    seconds = ::mktime(&parts);
  } else {
    const std::optional<int> east = TakeZone(text);
    if (!east || !text.empty()) return std::nullopt;
    seconds = ::timegm(&parts) - *east;
  }
  // mktime() makes the 1st of March of a 31st of February.
  if (parts.tm_mday != *day) return std::nullopt;
  return seconds * kSecond + fraction;
}

// "1732454285", "1732454285.5"
std::optional<std::int64_t> ParseSeconds(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), IsDigit);
  const std::string_view whole = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  Result<std::uint64_t> seconds = ParseNumber(whole, kLargestSeconds);
  if (!seconds.ok()) return std::nullopt;
  text.remove_prefix(whole.size());
  const std::optional<std::int64_t> fraction = TakeFraction(text);
  if (!fraction || !text.empty()) return std::nullopt;
  return static_cast<std::int64_t>(*seconds) * kSecond + *fraction;
}

// "1h30m", "1.5h", "250ms".
std::optional<std::int64_t> ParseAge(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ns;
  };
  static constexpr std::array<Unit, 4> kUnits = {
      {{"ms", 1'000'000}, {"h", 3600 * kSecond}, {"m", 60 * kSecond}, {"s", kSecond}}};
  std::int64_t sum = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::optional<int> whole = TakeDigits(text, 6);
    if (!whole) return std::nullopt;
    const std::optional<std::int64_t> fraction = TakeFraction(text);
    const auto unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& candidate) {
      return text.starts_with(candidate.name);
    });
    if (!fraction || unit == kUnits.end()) return std::nullopt;
    sum += *whole * unit->ns + static_cast<std::int64_t>(static_cast<double>(*fraction) / kSecond *
                                                         static_cast<double>(unit->ns));
    if (sum > static_cast<std::int64_t>(kLargestSeconds) * kSecond / 2) return std::nullopt;
    text.remove_prefix(unit->name.size());
  }
  return sum;
}

}  // namespace

Result<std::int64_t> ParseInstant(std::string_view text, std::int64_t now_ns) {
  if (const std::optional<std::int64_t> date = ParseDate(text)) return *date;
  if (const std::optional<std::int64_t> seconds = ParseSeconds(text)) return *seconds;
  // As docker: a negative age lies ahead.
  const bool ahead = text.starts_with('-');
  if (const std::optional<std::int64_t> age = ParseAge(text.substr(ahead ? 1 : 0))) {
    return ahead ? now_ns + *age : now_ns - *age;
  }
  return Error(ErrorCode::kInvalidArgument,
               "'" + std::string(text) +
                   "' is not a time: a date like 2026-11-24T13:18:05Z, seconds since 1970, or how "
                   "long ago, like 10m or 1h30m");
}

Result<std::optional<std::int64_t>> InstantOf(const Arguments& arguments, std::string_view option) {
  const std::optional<std::string> text = arguments.Last(option);
  if (!text) return std::optional<std::int64_t>();
  Result<std::int64_t> instant = ParseInstant(*text, WallClockNowNs());
  if (!instant.ok()) return std::move(instant).error().While("--" + std::string(option));
  return std::optional<std::int64_t>(*instant);
}

}  // namespace boxlite::cli

#include "boxlite/cli/units.h"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <limits>

#include "boxlite/base/wall_clock.h"

namespace boxlite::cli {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
// Digits behind the point of "1.5g" that count: 0.001 TiB is a size that someone may want to say.
constexpr std::size_t kFractionDigits = 6;
constexpr std::uint64_t kLongestSeconds = 366ULL * 24 * 3600;

Error Invalid(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// The factor of a suffix; 0: there is no such suffix.
std::uint64_t SizeUnit(const std::string& suffix, std::uint64_t bare_unit) {
  if (suffix.empty()) return bare_unit;
  if (suffix == "b") return 1;
  constexpr std::string_view kLetters = "kmgt";
  const std::size_t power = kLetters.find(suffix[0]);
  const std::string rest = suffix.substr(1);
  if (power == std::string_view::npos || (rest != "" && rest != "b" && rest != "ib")) return 0;
  return 1ULL << (10 * (power + 1));
}

}  // namespace

Result<std::uint64_t> ParseNumber(std::string_view text, std::uint64_t largest) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return Invalid("'" + std::string(text) + "' is not a whole number");
  }
  if (error != std::errc() || number > largest) {
    return Invalid(std::string(text) + " is too large: at most " + std::to_string(largest));
  }
  return number;
}

Result<std::uint64_t> ParseSize(std::string_view text, std::uint64_t bare_unit) {
  const Error malformed = Invalid("'" + std::string(text) +
                                  "' is not a size: a number and b, k, m, g or t, like 512m or 2g");
  const Error too_large = Invalid("the size " + std::string(text) + " is too large");
  const auto whole_end = std::find_if_not(text.begin(), text.end(), IsDigit);
  const std::string_view whole(text.data(), static_cast<std::size_t>(whole_end - text.begin()));
  std::string_view rest = text.substr(whole.size());
  std::string_view fraction;
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    const auto end = std::find_if_not(rest.begin(), rest.end(), IsDigit);
    fraction = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(fraction.size());
    if (fraction.empty() || fraction.size() > kFractionDigits) return malformed;
  }
  const std::uint64_t unit = SizeUnit(Lower(rest), bare_unit);
  if (whole.empty() || unit == 0) return malformed;
  Result<std::uint64_t> count = ParseNumber(whole, kMost);
  if (!count.ok() || *count > kMost / unit) return too_large;
  if (fraction.empty()) return *count * unit;
  std::uint64_t scale = 1;
  for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
  // At most 1 TiB * 10^6: below 2^60.
  const std::uint64_t part = unit * *ParseNumber(fraction, kMost) / scale;
  if (*count * unit > kMost - part) return too_large;
  return *count * unit + part;
}

std::string DecimalSize(std::uint64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1000 && unit + 1 < kUnits.size(); ++unit) size /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g%s", size, kUnits[unit]);
  return text;
}

std::string BinarySize(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < std::size(kUnits)) {
    size /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", size, kUnits[unit]);
  return text;
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  std::uint64_t unit = 1;
  std::string_view number = text;
  if (!text.empty() && !IsDigit(text.back())) {
    const char suffix = text.back();
    unit = suffix == 's' ? 1 : suffix == 'm' ? 60 : suffix == 'h' ? 3600 : 0;
    number.remove_suffix(1);
  }
  Result<std::uint64_t> count = ParseNumber(number, kLongestSeconds);
  if (unit == 0 || !count.ok() || *count * unit > kLongestSeconds) {
    return Invalid("'" + std::string(text) +
                   "' is not a duration: whole seconds, or a number and s, m or h, up to a year");
  }
  return std::chrono::milliseconds(*count * unit * 1000);
}

Result<int> ParseSignal(std::string_view text) {
  constexpr std::uint64_t kLargestSignal = 64;
  if (!text.empty() && IsDigit(text[0])) {
    Result<std::uint64_t> number = ParseNumber(text, kLargestSignal);
    if (number.ok() && *number >= 1) return static_cast<int>(*number);
    return Invalid("a signal's number is 1 to 64, not " + std::string(text));
  }
  std::string name = Lower(text);
  if (name.starts_with("sig")) name.erase(0, 3);
  for (int number = 1; number < NSIG; ++number) {
    const char* abbreviation = ::sigabbrev_np(number);
    if (abbreviation != nullptr && Lower(abbreviation) == name) return number;
  }
  return Invalid("there is no signal '" + std::string(text) + "'");
}

std::string DescribeDuration(std::chrono::nanoseconds duration) {
  struct Unit {
    std::int64_t seconds;
    std::int64_t until;  // in seconds: from there the next larger unit is used
    const char* name;
  };
  static constexpr std::array<Unit, 7> kUnits = {{{1, 60, "second"},
                                                  {60, 3600, "minute"},
                                                  {3600, 48 * 3600, "hour"},
                                                  {86400, 14 * 86400, "day"},
                                                  {7 * 86400, 60 * 86400, "week"},
                                                  {30 * 86400, 730 * 86400, "month"},
                                                  {365 * 86400, INT64_MAX, "year"}}};
  const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 1) return "less than a second";
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& candidate) { return seconds < candidate.until; });
  const std::int64_t count = seconds / unit->seconds;
  return std::to_string(count) + " " + unit->name + (count == 1 ? "" : "s");
}

std::string FormatTime(std::int64_t unix_ns) { return unix_ns == 0 ? "" : FormatUtcTime(unix_ns); }

}  // namespace boxlite::cli

// Sizes, durations and ages, to and from the words that people use. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite::cli {

// "512m", "2g", "1.5GiB", "64k", "100b"; all suffixes are powers of 1024. A bare number counts
// `bare_unit` bytes. kInvalidArgument for anything else, and for what 64 bits cannot hold.
Result<std::uint64_t> ParseSize(std::string_view text, std::uint64_t bare_unit);

inline constexpr std::uint64_t kMib = 1ULL << 20;
inline constexpr std::uint64_t kGib = 1ULL << 30;

// "0B", "980kB", "1.235MB": powers of 1000, four digits, as docker shows what a disk holds.
std::string DecimalSize(std::uint64_t bytes);
// "17 B", "1.5 KiB", "20.0 MiB", "3.2 GiB".
std::string BinarySize(std::uint64_t bytes);

// "10", "10s", "1m", "2h": whole seconds, at most a year.
Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

// A whole number without sign, at most `largest`.
Result<std::uint64_t> ParseNumber(std::string_view text, std::uint64_t largest);

// "TERM", "SIGTERM", "sigterm" or a number from 1 to 64.
Result<int> ParseSignal(std::string_view text);

// "less than a second", "5 seconds", "3 minutes", "2 hours", "4 days", ... A negative duration (the
// clock was set back) reads as less than a second.
std::string DescribeDuration(std::chrono::nanoseconds duration);

// "2026-11-24T13:18:05.123456789Z"; empty for 0, which means "never".
std::string FormatTime(std::int64_t unix_ns);

}  // namespace boxlite::cli

// A moment as people type it behind --since and --until. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/cli/arguments.h"

namespace boxlite::cli {

// What help says of such an option's value.
inline constexpr std::string_view kInstantValue = "TIME";
inline constexpr std::string_view kInstantNotes =
    "TIME is a date like 2026-11-24, 2026-11-24T13:18 or 2026-11-24T13:18:05.5Z (in your zone\n"
    "unless it names one), seconds since 1970, or how long ago: 90s, 10m, 1h30m.\n";

// Nanoseconds since 1970. kInvalidArgument, with examples, for anything else.
Result<std::int64_t> ParseInstant(std::string_view text, std::int64_t now_ns);

// The option's value, counted from now; nullopt when it was not given. The error names the option.
Result<std::optional<std::int64_t>> InstantOf(const Arguments& arguments, std::string_view option);

}  // namespace boxlite::cli

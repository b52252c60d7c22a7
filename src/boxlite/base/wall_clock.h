// The time of day, for what people read. Never compared to decide anything: it can be set back.
#pragma once

#include <cstdint>
#include <string>

namespace boxlite {

std::int64_t WallClockNowNs();  // since 1970

// "2026-11-24T13:18:05.123456789Z": always nine digits, so that lines of them stand in columns.
// Empty for a time before 1970.
std::string FormatUtcTime(std::int64_t unix_ns);

// The same in the zone that the process runs in: "...+01:00".
std::string FormatLocalTime(std::int64_t unix_ns);

}  // namespace boxlite

// Files of the kernel's in which a line is a name and a number: smaps_rollup, meminfo, cpu.stat.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace boxlite {

// The number behind `key`, the first word of a line; nullopt when there is none. Pure.
std::optional<std::uint64_t> NumberOf(std::string_view text, std::string_view key);

}  // namespace boxlite

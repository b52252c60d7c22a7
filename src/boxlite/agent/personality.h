// Making this VM unlike every other that came from the same kernel, initramfs or template.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "boxlite/base/result.h"

namespace boxlite {

inline constexpr std::size_t kMinEntropyBytes = 32;
inline constexpr std::size_t kMaxEntropyBytes = 4096;

// What a host gives; the views need only last for the call.
struct PersonalityFacts {
  std::span<const std::uint8_t> entropy;  // credited in full
  std::int64_t wall_clock_ns = 0;
  std::string hostname;
};

// Seeds the kernel's generator and makes it use the seed now, sets the clock and the hostname. An
// error means that the VM must not be used: part of it may have been done.
Status ApplyPersonality(const PersonalityFacts& facts);

}  // namespace boxlite

#include "boxlite/rpc/serial_handshake.h"

#include <algorithm>
#include <cstring>

namespace boxlite {
namespace {

constexpr std::size_t kMagicSize = 8;
// Not text, and not a plausible start of a Cap'n Proto segment table.
constexpr std::uint8_t kHelloMagic[kMagicSize] = {0xB0, 0x7C, 'B', 'X', 'H', 'E', 'L', 0xFE};
constexpr std::uint8_t kAckMagic[kMagicSize] = {0xB0, 0x7C, 'B', 'X', 'A', 'C', 'K', 0xFE};

const std::uint8_t* MagicOf(GreetingKind kind) {
  return kind == GreetingKind::kHello ? kHelloMagic : kAckMagic;
}

}  // namespace

GreetingBytes EncodeGreeting(GreetingKind kind, const Greeting& greeting) {
  GreetingBytes bytes = {};
  std::memcpy(bytes.data(), MagicOf(kind), kMagicSize);
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[kMagicSize + i] = static_cast<std::uint8_t>(greeting.version >> (8 * i));
  }
  std::copy(greeting.nonce.begin(), greeting.nonce.end(), bytes.begin() + kMagicSize + 4);
  return bytes;
}

Result<std::optional<GreetingScanner::Found>> GreetingScanner::Feed(
    std::span<const std::uint8_t> input) {
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (filled_ == kGreetingSize) {
      std::copy(window_.begin() + 1, window_.end(), window_.begin());
      --filled_;
      if (++discarded_ > kMaxDiscardedBytes) {
        return Error(ErrorCode::kCorrupt, "no greeting among the bytes of the serial port");
      }
    }
    window_[filled_++] = input[i];
    if (filled_ < kGreetingSize) continue;
    if (std::memcmp(window_.data(), MagicOf(kind_), kMagicSize) != 0) continue;
    Found found;
    for (std::size_t b = 0; b < 4; ++b) {
      found.greeting.version |= static_cast<std::uint32_t>(window_[kMagicSize + b]) << (8 * b);
    }
    std::copy(window_.begin() + kMagicSize + 4, window_.end(), found.greeting.nonce.begin());
    if (expected_nonce_ && *expected_nonce_ != found.greeting.nonce) continue;
    found.consumed = i + 1;
    return std::optional<Found>(found);
  }
  return std::optional<Found>();
}

}  // namespace boxlite

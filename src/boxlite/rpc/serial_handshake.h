// The first bytes on the serial port between shim and guest. A virtio-serial port may still hold
// what an earlier session left, in both directions, so each side discards bytes until it sees the
// greeting of *this* session, told by a random nonce. After it the port carries Cap'n Proto
// messages only.
//
//   shim  -> guest   HELLO: magic (8 bytes) | version (4, little endian) | nonce (16)
//   guest -> shim    ACK:   magic (8 bytes) | version (4, little endian) | the same nonce (16)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "boxlite/base/result.h"

namespace boxlite {

inline constexpr std::uint32_t kAgentProtocolVersion = 1;
inline constexpr std::size_t kGreetingSize = 28;
// Leftovers larger than any buffer between the two sides: beyond it the peer is not ours.
inline constexpr std::size_t kMaxDiscardedBytes = 4 * 1024 * 1024;

using SessionNonce = std::array<std::uint8_t, 16>;
using GreetingBytes = std::array<std::uint8_t, kGreetingSize>;

struct Greeting {
  std::uint32_t version = 0;
  SessionNonce nonce = {};
};

enum class GreetingKind { kHello, kAck };

GreetingBytes EncodeGreeting(GreetingKind kind, const Greeting& greeting);

// Finds a greeting of one kind in a stream of bytes. Pure: feed it what was read.
class GreetingScanner {
 public:
  // `expected_nonce`: greetings with another nonce are leftovers too and are discarded.
  explicit GreetingScanner(GreetingKind kind,
                           std::optional<SessionNonce> expected_nonce = std::nullopt)
      : kind_(kind), expected_nonce_(expected_nonce) {}

  struct Found {
    Greeting greeting;
    std::size_t consumed =
        0;  // bytes of `input` up to the greeting's end; the rest is the session's
  };
  // nullopt: more bytes are needed, all of `input` was taken. kCorrupt beyond kMaxDiscardedBytes.
  Result<std::optional<Found>> Feed(std::span<const std::uint8_t> input);

 private:
  GreetingKind kind_;
  std::optional<SessionNonce> expected_nonce_;
  GreetingBytes window_ = {};
  std::size_t filled_ = 0;
  std::size_t discarded_ = 0;
};

}  // namespace boxlite

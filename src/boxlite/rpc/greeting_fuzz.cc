// The serial port before a session: whatever comes, however it is split, a greeting behind it is
// found.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "boxlite/rpc/serial_handshake.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxInput = 4096;

// Feeds `stream` in pieces of `step`; the number of bytes up to the greeting's end, 0 for none.
std::size_t FindIn(const std::vector<std::uint8_t>& stream, std::size_t step,
                   const SessionNonce& nonce) {
  GreetingScanner scanner(GreetingKind::kAck, nonce);
  for (std::size_t at = 0; at < stream.size(); at += step) {
    const std::size_t length = std::min(step, stream.size() - at);
    Result<std::optional<GreetingScanner::Found>> found =
        scanner.Feed(std::span(stream).subspan(at, length));
    BOXLITE_CHECK(found.ok());
    if (!found->has_value()) continue;
    BOXLITE_CHECK((*found)->consumed <= length && (*found)->greeting.nonce == nonce);
    return at + (*found)->consumed;
  }
  return 0;
}

void Fuzz(std::span<const std::uint8_t> input) {
  if (input.empty() || input.size() > kMaxInput) return;
  SessionNonce nonce = {};
  nonce[0] = 1;
  const std::size_t step = 1 + input[0] % 64;
  std::vector<std::uint8_t> stream(input.begin() + 1, input.end());
  const GreetingBytes ack = EncodeGreeting(GreetingKind::kAck, {kAgentProtocolVersion, nonce});
  stream.insert(stream.end(), ack.begin(), ack.end());
  const std::size_t whole = FindIn(stream, stream.size(), nonce);
  BOXLITE_CHECK(whole > 0 && whole <= stream.size());
  BOXLITE_CHECK(FindIn(stream, step, nonce) == whole);
  BOXLITE_CHECK(FindIn(stream, 1, nonce) == whole);
}

}  // namespace
}  // namespace boxlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  boxlite::Fuzz({data, size});
  return 0;
}

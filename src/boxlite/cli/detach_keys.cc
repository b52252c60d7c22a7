#include "boxlite/cli/detach_keys.h"

#include <algorithm>
#include <optional>

namespace boxlite::cli {
namespace {

constexpr std::string_view kControl = "ctrl-";

std::optional<char> ByteOf(std::string_view key) {
  if (key.size() == 1) return key[0];
  if (key.size() != kControl.size() + 1 || !key.starts_with(kControl)) return std::nullopt;
  char letter = key.back();
  if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  if (letter < '@' || letter > '_') return std::nullopt;
  return static_cast<char>(letter - '@');
}

}  // namespace

Result<std::string> ParseDetachKeys(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    // From the second character on: a comma may itself be a key.
    const std::size_t comma = text.find(',', 1);
    const std::string_view key = text.substr(0, comma);
    const std::optional<char> byte = ByteOf(key);
    if (!byte) {
      return Error(ErrorCode::kInvalidArgument,
                   "--detach-keys: '" + std::string(key) +
                       "' is no key: a character, or ctrl- and one of a-z @ [ \\ ] ^ _");
    }
    bytes.push_back(*byte);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) {
      return Error(ErrorCode::kInvalidArgument, "--detach-keys ends in a comma");
    }
  }
  return bytes;
}

}  // namespace boxlite::cli

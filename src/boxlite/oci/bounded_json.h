// JSON that a stranger wrote, parsed within bounds: no input takes more memory or stack than its
// size allows, and none throws.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite {

inline constexpr int kMaxJsonDepth = 64;

// kCorrupt, naming `what`, for text that is longer than `limit`, nested deeper than kMaxJsonDepth,
// or no JSON. Of a key that comes twice the last one counts, as in Go's parser.
Result<nlohmann::json> ParseBoundedJson(const std::string& what, std::string_view text,
                                        std::size_t limit);

// Calls `decode`, which may throw what nlohmann::json throws on a missing key or a wrong type: that
// becomes kCorrupt, naming `what`.
template <typename T>
Result<T> DecodeJson(const std::string& what, const nlohmann::json& json,
                     const std::function<Result<T>(const nlohmann::json&)>& decode) {
  try {
    return decode(json);
  } catch (const nlohmann::json::exception& e) {
    return Error(ErrorCode::kCorrupt, what + " is not as it should be: " + e.what());
  }
}

}  // namespace boxlite

#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

// Brackets outside strings, counted before anything is allocated for them.
bool IsDeeperThan(std::string_view text, int most) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > most) return true;
  }
  return false;
}

}  // namespace

Result<nlohmann::json> ParseBoundedJson(const std::string& what, std::string_view text,
                                        std::size_t limit) {
  if (text.size() > limit) {
    return Error(ErrorCode::kCorrupt, what + " has " + std::to_string(text.size()) +
                                          " bytes; more than " + std::to_string(limit) +
                                          " are not taken");
  }
  if (IsDeeperThan(text, kMaxJsonDepth)) {
    return Error(ErrorCode::kCorrupt, what + " is nested deeper than any of its kind");
  }
  nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Error(ErrorCode::kCorrupt, what + " is no JSON");
  return json;
}

}  // namespace boxlite

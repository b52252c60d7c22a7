// Base64 (RFC 4648, with padding): bytes as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace boxlite {

std::string Base64Encode(std::string_view bytes);

// Padding may be left out. nullopt for a character that is no digit before it.
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace boxlite

// "Did you mean": the known word that a mistyped one is nearest to. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace boxlite::cli {

// Nearest by single letters that are missing, too many, wrong or swapped, of which two are allowed
// (one in a short word); else the only one that begins with `word`. nullopt: none is near.
std::optional<std::string_view> Nearest(std::string_view word,
                                        std::span<const std::string_view> known);

}  // namespace boxlite::cli

#include "boxlite/base/keyed_text.h"

#include <charconv>

namespace boxlite {

std::optional<std::uint64_t> NumberOf(std::string_view text, std::string_view key) {
  constexpr std::string_view kBlanks = " \t";
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    const std::size_t begin = line.find_first_not_of(kBlanks);
    if (begin == 0 || begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || rest != word.data() + word.size()) return std::nullopt;
    return number;
  }
  return std::nullopt;
}

}  // namespace boxlite

#include "boxlite/cli/suggest.h"

#include <algorithm>
#include <vector>

namespace boxlite::cli {
namespace {

// Longer ones are no typing errors, and the table below stays small.
constexpr std::size_t kLongestWord = 64;
constexpr std::size_t kShortWord = 3;
constexpr std::size_t kShortestBegin = 2;

// Optimal string alignment distance.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) table[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) table[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      table[i][j] =
          std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + wrong});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
    }
  }
  return table[a.size()][b.size()];
}

}  // namespace

std::optional<std::string_view> Nearest(std::string_view word,
                                        std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  std::size_t allowed = word.size() <= kShortWord ? 1 : 2;
  std::optional<std::string_view> nearest;
  for (const std::string_view candidate : known) {
    const std::size_t distance = Distance(word, candidate);
    // A word of which nothing is left is another word.
    if (distance > allowed || distance >= std::min(word.size(), candidate.size())) continue;
    if (nearest && distance == allowed) continue;
    nearest = candidate;
    allowed = distance;
  }
  if (nearest || word.size() < kShortestBegin) return nearest;
  for (const std::string_view candidate : known) {
    if (!candidate.starts_with(word)) continue;
    if (nearest) return std::nullopt;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace boxlite::cli

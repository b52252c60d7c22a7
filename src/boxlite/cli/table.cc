#include "boxlite/cli/table.h"

#include <algorithm>

namespace boxlite::cli {
namespace {

constexpr std::size_t kGap = 3;

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Code points: exact for the scripts that box names and images are written in.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !ContinuesCharacter(c); }));
}

// Each control character is one '?': also those that UTF-8 writes with two bytes, which some
// terminals obey.
std::string OneLine(const std::string& text) {
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool two_bytes = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    if (two_bytes) ++i;
    line += byte < 0x20 || byte == 0x7f || two_bytes ? '?' : static_cast<char>(byte);
  }
  return line;
}

}  // namespace

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += OneLine(row[i]);
      if (i + 1 < row.size()) text.append(widths[i] - Width(row[i]) + kGap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

std::string Shortened(const std::string& text, std::size_t width) {
  constexpr std::string_view kCut = "...";
  if (Width(text) <= width || width <= kCut.size()) return text;
  std::size_t columns = 0;
  std::size_t end = 0;
  while (columns < width - kCut.size()) {
    ++columns;
    do {
      ++end;
    } while (end < text.size() && ContinuesCharacter(text[end]));
  }
  return text.substr(0, end) + std::string(kCut);
}

}  // namespace boxlite::cli

// Columns of text, as wide as their widest cell. Pure.
#pragma once

#include <string>
#include <vector>

namespace boxlite::cli {

// The first row is the heading. Control characters in cells become '?'; the last column is not
// padded.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

// At most `width` columns, with "..." at the end where something was cut. UTF-8 sequences stay
// whole.
std::string Shortened(const std::string& text, std::size_t width);

}  // namespace boxlite::cli

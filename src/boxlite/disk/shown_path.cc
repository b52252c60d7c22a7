#include "boxlite/disk/shown_path.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxShown = 300;
constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

std::string ShownPath(std::string_view path) {
  std::string text = "'";
  for (const char c : path.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else {
      text += "\\x";
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
  }
  return text + (path.size() > kMaxShown ? "'..." : "'");
}

}  // namespace boxlite

#include "boxlite/base/printable_text.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxShownText = 4096;

}  // namespace

std::string PrintableText(std::string_view untrusted) {
  std::string text(untrusted.substr(0, kMaxShownText));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) text[i] = '?';
    // U+0080 to U+009F: terminals obey these too.
    if (byte == 0xc2 && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if (next >= 0x80 && next <= 0x9f) text[i] = text[i + 1] = '?';
    }
  }
  return text;
}

}  // namespace boxlite

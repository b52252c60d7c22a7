#include "boxlite/oci/digest.h"

#include <algorithm>

namespace boxlite {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kHexDigits = 64;

bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

Result<Digest> Digest::Parse(std::string_view text) {
  const std::string shown(text.substr(0, 100));
  if (text.starts_with("sha512:")) {
    return Error(ErrorCode::kUnsupported, "the digest " + shown +
                                              " is not by SHA-256, and no other algorithm is "
                                              "supported");
  }
  if (!text.starts_with(kPrefix)) {
    return Error(ErrorCode::kInvalidArgument, "'" + shown + "' is no digest: sha256:<64 digits>");
  }
  const std::string_view hex = text.substr(kPrefix.size());
  if (hex.size() != kHexDigits || !std::ranges::all_of(hex, IsHexDigit)) {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + shown + "' is no digest: 64 lower-case hexadecimal digits follow sha256:");
  }
  return Digest(std::string(hex));
}

}  // namespace boxlite

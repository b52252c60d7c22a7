#include "boxlite/oci/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

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

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* freed) const { EVP_MD_CTX_free(freed); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  BOXLITE_CHECK(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Digest Sha256::Of(std::string_view bytes) {
  Sha256 sum;
  sum.Update(bytes);
  return sum.Finish();
}

void Sha256::Update(std::string_view bytes) {
  BOXLITE_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Digest Sha256::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned int length = 0;
  BOXLITE_CHECK(EVP_DigestFinal_ex(state_->context.get(), sum.data(), &length) == 1);
  std::string hex;
  hex.reserve(kHexDigits);
  for (unsigned int i = 0; i < length; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[sum[i] >> 4];
    hex += kDigits[sum[i] & 15];
  }
  return Digest(std::move(hex));
}

}  // namespace boxlite

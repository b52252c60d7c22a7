// Sha256 of digest.h: apart, so that a program that only reads digests needs no libcrypto.
#include <openssl/evp.h>

#include <array>

#include "boxlite/oci/digest.h"

namespace boxlite {

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
  hex.reserve(2 * length);
  for (unsigned int i = 0; i < length; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[sum[i] >> 4];
    hex += kDigits[sum[i] & 15];
  }
  return Digest(std::move(hex));
}

}  // namespace boxlite

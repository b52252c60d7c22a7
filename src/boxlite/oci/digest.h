// Digest: the name of some bytes by their SHA-256, as OCI writes it; Sha256 computes it as the
// bytes come.
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite {

class Digest {
 public:
  // "sha256:" and 64 lower-case hexadecimal digits. kUnsupported for another algorithm that OCI
  // knows, kInvalidArgument for anything else.
  static Result<Digest> Parse(std::string_view text);

  std::string text() const { return "sha256:" + hex_; }
  const std::string& hex() const { return hex_; }  // a file name

  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  friend class Sha256;
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}

  std::string hex_;
};

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  static Digest Of(std::string_view bytes);

  void Update(std::string_view bytes);
  // Of all bytes until now. May be called once; nothing is taken afterwards.
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace boxlite

// VerifiedSource: bytes that must have a digest and a size; tells as soon as they cannot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "boxlite/oci/byte_source.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

// Passes the bytes of `source` on. kCorrupt instead of the first byte beyond `size`, and instead of
// the end when there were fewer, or others than `digest` says. So whoever has seen the end has seen
// the right bytes, and nobody sees more than `size`; until the end they may be anybody's.
class VerifiedSource : public ByteSource {
 public:
  // `what` names the bytes in errors: "layer 2 of debian:12". The digest is always named.
  VerifiedSource(std::unique_ptr<ByteSource> source, Digest digest, std::uint64_t size,
                 std::string what = "a blob");

  Result<std::size_t> Read(std::span<char> room) override;

 private:
  Result<std::size_t> End();

  std::unique_ptr<ByteSource> source_;
  const Digest digest_;
  const std::uint64_t size_;
  const std::string what_;
  std::uint64_t seen_ = 0;
  Sha256 sum_;
  bool ended_ = false;
};

}  // namespace boxlite

// BlobSource: the bytes of a blob from whichever endpoint gives them, over cuts and pauses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/oci/byte_source.h"
#include "boxlite/oci/digest.h"
#include "boxlite/registry/exchange.h"

namespace boxlite {

struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;  // absent for '*'
};
// "bytes 5-9/10"; nullopt for anything else. Pure.
std::optional<ContentRange> ParseContentRange(std::string_view text);

// Connects at the first Read(). After a cut it asks for the rest; a registry that sends all from
// the beginning is read up to where we were. Digest and size are not verified here, but an answer
// that is announced with another size is refused before its body.
class BlobSource : public ByteSource {
 public:
  BlobSource(std::shared_ptr<Exchange> exchange, std::vector<Endpoint> endpoints,
             std::string repository, const Digest& digest, std::uint64_t size, std::string what);

  Result<std::size_t> Read(std::span<char> room) override;

 private:
  Status Connect();
  Status CheckAnswer();
  Result<std::size_t> ReadOnce(std::span<char> room);
  Status SkipKnown();
  bool Elsewhere();

  const std::shared_ptr<Exchange> exchange_;
  const std::vector<Endpoint> endpoints_;
  const std::string repository_;
  const Digest digest_;
  const std::uint64_t size_;
  const std::string what_;
  std::size_t endpoint_ = 0;
  Retry retry_;
  std::unique_ptr<HttpTransfer> transfer_;
  std::uint64_t given_ = 0;
  std::uint64_t skip_ = 0;        // of this answer: bytes that were given before
  std::uint64_t since_gain_ = 0;  // bytes since all attempts were there
};

}  // namespace boxlite

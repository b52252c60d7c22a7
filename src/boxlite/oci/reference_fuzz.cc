// Any bytes as an image's name: an error, or a name that stays itself however it is written, and
// that no URL or path is broken by.
#include <cstdint>
#include <cstdlib>

#include "boxlite/oci/reference.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reference = boxlite::Reference::Parse(text);
  if (!reference.ok()) return 0;
  const std::string full = reference->Full();
  for (const char c : full) Require(c > ' ' && c < '\x7f' && c != '?' && c != '#' && c != '%');
  Require(full.find("..") == std::string::npos || reference->tag().has_value());
  Require(reference->path().find("..") == std::string::npos && reference->path().front() != '/');
  for (const std::string& form : {full, reference->Familiar()}) {
    const auto again = boxlite::Reference::Parse(form);
    Require(again.ok() && again->Full() == full);
  }
  Require(boxlite::ParseRegistryHost(reference->host()).ok());
  return 0;
}

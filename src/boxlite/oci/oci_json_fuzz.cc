// Manifests, indexes and configurations of hostile registries and archives.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "boxlite/oci/config.h"
#include "boxlite/oci/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  boxlite::Result<boxlite::ManifestKind> kind = boxlite::ManifestKindOf("", text);
  boxlite::Result<boxlite::OciIndex> index = boxlite::ParseIndex(text);
  if (index.ok()) static_cast<void>(boxlite::ChoosePlatform(*index, boxlite::BoxPlatform()).ok());
  boxlite::Result<boxlite::OciManifest> manifest = boxlite::ParseManifest(text);
  // What is said to be a manifest can be read as one alone.
  if (kind.ok() && index.ok() && manifest.ok()) __builtin_trap();
  boxlite::Result<boxlite::ImageConfig> config = boxlite::ParseConfig(text);
  if (!config.ok()) return 0;
  const std::string written = boxlite::EncodeConfig(*config);
  boxlite::Result<boxlite::ImageConfig> again = boxlite::ParseConfig(written);
  if (!again.ok() || boxlite::EncodeConfig(*again) != written) __builtin_trap();
  return 0;
}

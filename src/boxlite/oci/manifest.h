// Image indexes and manifests, of OCI and of docker (schema 2), as values. Their bytes come from
// registries and archives: everything is bounded and checked, nothing is believed that a digest
// does not prove later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

inline constexpr std::size_t kMaxManifestBytes = 4 * 1024 * 1024;  // what registries accept
inline constexpr std::size_t kMaxLayers = 512;                     // docker builds 127
inline constexpr std::size_t kMaxIndexEntries = 1024;

inline constexpr char kOciIndexType[] = "application/vnd.oci.image.index.v1+json";
inline constexpr char kOciManifestType[] = "application/vnd.oci.image.manifest.v1+json";
inline constexpr char kOciConfigType[] = "application/vnd.oci.image.config.v1+json";
inline constexpr char kOciLayerType[] =
    "application/vnd.oci.image.layer.v1.tar";  // or +gzip, +zstd
inline constexpr char kDockerListType[] =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr char kDockerManifestType[] =
    "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr char kDockerConfigType[] = "application/vnd.docker.container.image.v1+json";

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;  // "v8" of arm64; mostly empty

  bool operator==(const Platform&) const = default;
};
// "linux/amd64", "linux/arm64/v8".
std::string FormatPlatform(const Platform& platform);
// kInvalidArgument for what is not os/architecture[/variant].
Result<Platform> ParsePlatform(std::string_view text);
// What boxes of this build run.
Platform BoxPlatform();

// Names bytes that are elsewhere.
struct Descriptor {
  std::string media_type;  // may be empty
  Digest digest;
  std::uint64_t size = 0;  // bytes, as stored
  std::optional<Platform> platform;
  std::map<std::string, std::string> annotations;
};

struct OciIndex {
  std::vector<Descriptor> manifests;
};

struct OciManifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // lowest first
};

enum class ManifestKind { kIndex, kManifest };

// What the bytes are. `media_type` is what the carrier said (a Content-Type header, a descriptor);
// it and the document's own mediaType may both be missing, then the members decide; where they
// contradict each other or the members it is kCorrupt: a document must not be read in two ways.
// kUnsupported for docker's schema 1 and for artifacts that are no images.
Result<ManifestKind> ManifestKindOf(std::string_view media_type, std::string_view json);

Result<OciIndex> ParseIndex(std::string_view json);
// kUnsupported for layers whose type is no tar. kCorrupt for impossible sizes or counts.
Result<OciManifest> ParseManifest(std::string_view json);

// The entry for `wanted`: an exact one, else one without a variant, else the first of that
// architecture. Attestations are no images. kNotFound names the platforms that there are.
Result<Descriptor> ChoosePlatform(const OciIndex& index, const Platform& wanted);

}  // namespace boxlite

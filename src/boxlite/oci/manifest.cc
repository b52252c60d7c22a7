#include "boxlite/oci/manifest.h"

#include <algorithm>

#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;

// A layer of an exabyte is a lie, and sums of such sizes must not wrap.
constexpr std::uint64_t kMaxBlobBytes = 1ULL << 50;
constexpr std::size_t kMaxShown = 200;

Error Corrupt(const std::string& message) { return Error(ErrorCode::kCorrupt, message); }
Error Unsupported(const std::string& message) { return Error(ErrorCode::kUnsupported, message); }

// An absent member and null mean the same, as in Go.
std::string TextOr(const Json& json, const char* key, const std::string& otherwise) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? otherwise : found->get<std::string>();
}

Platform PlatformOf(const Json& json) {
  return {TextOr(json, "os", ""), TextOr(json, "architecture", ""), TextOr(json, "variant", "")};
}

Result<Descriptor> DescriptorOf(const Json& json) {
  BOXLITE_ASSIGN_OR_RETURN(Digest digest, Digest::Parse(json.at("digest").get<std::string>()));
  const Json& size = json.at("size");
  if (!size.is_number_unsigned() || size.get<std::uint64_t>() > kMaxBlobBytes) {
    return Corrupt("the size of " + digest.text() + " cannot be " + size.dump().substr(0, 40));
  }
  Descriptor descriptor{TextOr(json, "mediaType", ""),
                        std::move(digest),
                        size.get<std::uint64_t>(),
                        std::nullopt,
                        {}};
  if (const auto platform = json.find("platform"); platform != json.end() && platform->is_object())
    descriptor.platform = PlatformOf(*platform);
  if (const auto notes = json.find("annotations"); notes != json.end() && !notes->is_null()) {
    descriptor.annotations = notes->get<std::map<std::string, std::string>>();
  }
  return descriptor;
}

Result<std::vector<Descriptor>> DescriptorsOf(const Json& list, std::size_t most,
                                              const std::string& what) {
  if (!list.is_array()) return Corrupt("the " + what + " are no list");
  if (list.size() > most) {
    return Corrupt(std::to_string(list.size()) + " " + what + " are more than any image has (" +
                   std::to_string(most) + ")");
  }
  std::vector<Descriptor> descriptors;
  for (const Json& entry : list) {
    BOXLITE_ASSIGN_OR_RETURN(Descriptor descriptor, DescriptorOf(entry));
    descriptors.push_back(std::move(descriptor));
  }
  return descriptors;
}

std::optional<ManifestKind> KindOfType(std::string_view type) {
  if (type == kOciIndexType || type == kDockerListType) return ManifestKind::kIndex;
  if (type == kOciManifestType || type == kDockerManifestType) return ManifestKind::kManifest;
  return std::nullopt;
}

// Types that carry nothing for us: what a web server says of a file.
bool SaysNothing(std::string_view type) {
  return type.empty() || type == "application/json" || type == "application/octet-stream" ||
         type == "text/plain";
}

bool HasList(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_array();
}

// "application/json; charset=utf-8" is application/json.
std::string_view WithoutParameters(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

bool IsLayerType(const std::string& type) {
  if (type.empty()) return true;
  const bool docker = type.starts_with("application/vnd.docker.image.rootfs.") &&
                      type.find(".tar") != std::string::npos;
  const bool oci = type.starts_with(kOciLayerType) ||
                   type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar");
  return (docker || oci) && !type.ends_with("+encrypted");
}

Result<Json> ParseObject(const std::string& what, std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseBoundedJson(what, text, kMaxManifestBytes));
  if (!json.is_object()) return Corrupt(what + " is no JSON object");
  return json;
}

Result<ManifestKind> KindOf(std::string_view media_type, const Json& json) {
  const bool is_index = HasList(json, "manifests");
  const bool is_manifest = HasList(json, "layers") || json.contains("config");
  if (HasList(json, "fsLayers") || json.value("schemaVersion", 2) == 1) {
    return Unsupported(
        "the manifest is of docker's first schema, which nobody should use any more");
  }
  if (is_index == is_manifest) {
    return Corrupt(is_index ? "the manifest could be read as an index too: neither is believed"
                            : "the document is neither an image index nor a manifest");
  }
  const ManifestKind kind = is_index ? ManifestKind::kIndex : ManifestKind::kManifest;
  const std::string own = TextOr(json, "mediaType", "");
  for (const std::string_view type : {WithoutParameters(media_type), std::string_view(own)}) {
    const std::optional<ManifestKind> said = KindOfType(type);
    if (said && *said != kind) {
      return Corrupt("the manifest is not of the type that it is said to have: " +
                     std::string(type));
    }
    if (!said && !SaysNothing(type)) {
      return Unsupported("this is no image that a box can run: its type is " +
                         std::string(type.substr(0, kMaxShown)));
    }
  }
  return kind;
}

}  // namespace

std::string FormatPlatform(const Platform& platform) {
  return platform.os + "/" + platform.architecture +
         (platform.variant.empty() ? "" : "/" + platform.variant);
}

Result<Platform> ParsePlatform(std::string_view text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == '/') parts.emplace_back();
    if (c != '/') parts.back() += c;
  }
  const bool named = std::ranges::none_of(parts, &std::string::empty);
  if (!named || parts.size() < 2 || parts.size() > 3) {
    return Error(ErrorCode::kInvalidArgument, "'" + std::string(text.substr(0, kMaxShown)) +
                                                  "' is no platform: linux/amd64, for example");
  }
  return Platform{parts[0], parts[1], parts.size() == 3 ? parts[2] : ""};
}

Platform BoxPlatform() {
#if defined(__x86_64__)
  return {"linux", "amd64", ""};
#elif defined(__aarch64__)
  return {"linux", "arm64", "v8"};
#else
#error "which images do boxes of this processor run?"
#endif
}

Result<ManifestKind> ManifestKindOf(std::string_view media_type, std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseObject("the manifest", text));
  return DecodeJson<ManifestKind>("the manifest", json,
                                  [&](const Json& parsed) { return KindOf(media_type, parsed); });
}

Result<OciIndex> ParseIndex(std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseObject("the image index", text));
  return DecodeJson<OciIndex>("the image index", json, [](const Json& parsed) -> Result<OciIndex> {
    BOXLITE_ASSIGN_OR_RETURN(
        std::vector<Descriptor> manifests,
        DescriptorsOf(parsed.at("manifests"), kMaxIndexEntries, "manifests of the index"));
    return OciIndex{std::move(manifests)};
  });
}

Result<OciManifest> ParseManifest(std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseObject("the manifest", text));
  return DecodeJson<OciManifest>(
      "the manifest", json, [](const Json& parsed) -> Result<OciManifest> {
        BOXLITE_ASSIGN_OR_RETURN(Descriptor config, DescriptorOf(parsed.at("config")));
        BOXLITE_ASSIGN_OR_RETURN(
            std::vector<Descriptor> layers,
            DescriptorsOf(parsed.at("layers"), kMaxLayers, "layers of the manifest"));
        for (const Descriptor& layer : layers) {
          if (IsLayerType(layer.media_type)) continue;
          return Unsupported("the layer " + layer.digest.text() +
                             " is no tar of files: its type is " +
                             layer.media_type.substr(0, kMaxShown));
        }
        return OciManifest{std::move(config), std::move(layers)};
      });
}

Result<Descriptor> ChoosePlatform(const OciIndex& index, const Platform& wanted) {
  const Descriptor* best = nullptr;
  int best_rank = 0;
  std::string others;
  for (const Descriptor& entry : index.manifests) {
    // An entry that does not say is believed to fit; its configuration is looked at later.
    const Platform platform = entry.platform.value_or(Platform{wanted.os, wanted.architecture, ""});
    if (platform.os == "unknown") continue;  // an attestation about another entry
    if (others.size() < kMaxShown) others += " " + FormatPlatform(platform);
    if (platform.os != wanted.os || platform.architecture != wanted.architecture) continue;
    const int rank = platform.variant == wanted.variant ? 3 : platform.variant.empty() ? 2 : 1;
    if (rank <= best_rank) continue;
    best = &entry;
    best_rank = rank;
  }
  if (best != nullptr) return *best;
  return Error(ErrorCode::kNotFound,
               "the image has nothing for " + FormatPlatform(wanted) +
                   (others.empty() ? ": its index is empty" : "; it is there for:" + others));
}

}  // namespace boxlite

#include "boxlite/image/read_images.h"

#include <algorithm>
#include <map>

#include "boxlite/oci/bounded_json.h"
#include "boxlite/oci/verified_source.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;

constexpr char kDockerTable[] = "manifest.json";
constexpr char kLayoutMark[] = "oci-layout";
constexpr char kLayoutIndex[] = "index.json";
constexpr char kNameNote[] = "io.containerd.image.name";          // docker's: the whole name
constexpr char kRefNote[] = "org.opencontainers.image.ref.name";  // skopeo, umoci, buildah, podman
constexpr std::size_t kMaxImages = 1000;                          // in one archive

Error Corrupt(const std::string& message) { return Error(ErrorCode::kCorrupt, message); }

std::string BlobName(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

Result<std::string> ReadBlob(const BlobSet& blobs, const Descriptor& descriptor,
                             std::size_t limit) {
  BOXLITE_ASSIGN_OR_RETURN(std::string bytes, blobs.ReadSmall(BlobName(descriptor.digest), limit));
  if (bytes.size() == descriptor.size && Sha256::Of(bytes) == descriptor.digest) return bytes;
  return Corrupt("the blob " + descriptor.digest.text() + " is not what its digest and size say");
}

// --- docker's archives ---

struct DockerEntry {
  std::string config;
  std::vector<std::string> names;
  std::vector<std::string> layers;
};

Result<std::vector<DockerEntry>> ParseDockerTable(std::string_view text) {
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseBoundedJson(kDockerTable, text, kMaxManifestBytes));
  return DecodeJson<std::vector<DockerEntry>>(
      kDockerTable, json, [](const Json& parsed) -> Result<std::vector<DockerEntry>> {
        if (!parsed.is_array() || parsed.empty() || parsed.size() > kMaxImages) {
          return Corrupt("manifest.json of the archive is no list of images");
        }
        std::vector<DockerEntry> entries;
        for (const Json& item : parsed) {
          DockerEntry entry;
          entry.config = item.at("Config").get<std::string>();
          if (const auto names = item.find("RepoTags"); names != item.end() && !names->is_null()) {
            entry.names = names->get<std::vector<std::string>>();
          }
          if (const auto layers = item.find("Layers"); layers != item.end() && !layers->is_null()) {
            entry.layers = layers->get<std::vector<std::string>>();
          }
          if (entry.layers.size() > kMaxLayers) return Corrupt("an image has absurdly many layers");
          entries.push_back(std::move(entry));
        }
        return entries;
      });
}

Result<FoundImage> ReadDockerImage(const BlobSet& blobs, DockerEntry entry) {
  FoundImage image;
  image.names = std::move(entry.names);
  image.source.what =
      image.names.empty() ? "the image of " + entry.config : "the image " + image.names.front();
  BOXLITE_ASSIGN_OR_RETURN(image.source.config, blobs.ReadSmall(entry.config, kMaxConfigBytes));
  for (const std::string& layer : entry.layers) {
    BOXLITE_ASSIGN_OR_RETURN(std::uint64_t size, blobs.Size(layer));
    image.source.layers.push_back({layer, size});
  }
  // Nothing but their diff_ids, which WriteBase() verifies, says what the layers must be.
  image.source.open_layer = [&blobs, names = std::move(entry.layers)](std::size_t index) {
    return blobs.Open(names.at(index));
  };
  return image;
}

Result<std::vector<FoundImage>> ReadDockerArchive(const BlobSet& blobs) {
  BOXLITE_ASSIGN_OR_RETURN(std::string text, blobs.ReadSmall(kDockerTable, kMaxManifestBytes));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<DockerEntry> entries, ParseDockerTable(text));
  std::vector<FoundImage> images;
  for (DockerEntry& entry : entries) {
    BOXLITE_ASSIGN_OR_RETURN(FoundImage image, ReadDockerImage(blobs, std::move(entry)));
    images.push_back(std::move(image));
  }
  return images;
}

// --- OCI's layouts ---

std::optional<std::string> NameIn(const Descriptor& entry) {
  for (const char* note : {kNameNote, kRefNote}) {
    const auto found = entry.annotations.find(note);
    if (found != entry.annotations.end() && !found->second.empty()) return found->second;
  }
  return std::nullopt;
}

// The manifest's bytes behind an entry of the layout's index: itself, or of an index for several
// platforms the one that is wanted.
Result<std::pair<Descriptor, std::string>> FindManifest(const BlobSet& blobs, Descriptor entry,
                                                        const Platform& wanted) {
  BOXLITE_ASSIGN_OR_RETURN(std::string bytes, ReadBlob(blobs, entry, kMaxManifestBytes));
  BOXLITE_ASSIGN_OR_RETURN(ManifestKind kind, ManifestKindOf(entry.media_type, bytes));
  if (kind == ManifestKind::kManifest) return std::pair(std::move(entry), std::move(bytes));
  BOXLITE_ASSIGN_OR_RETURN(OciIndex index, ParseIndex(bytes));
  BOXLITE_ASSIGN_OR_RETURN(Descriptor chosen, ChoosePlatform(index, wanted));
  BOXLITE_ASSIGN_OR_RETURN(bytes, ReadBlob(blobs, chosen, kMaxManifestBytes));
  BOXLITE_ASSIGN_OR_RETURN(kind, ManifestKindOf(chosen.media_type, bytes));
  if (kind == ManifestKind::kManifest) return std::pair(std::move(chosen), std::move(bytes));
  return Corrupt("an index of the layout names an index in turn");
}

Result<FoundImage> ReadOciImage(const BlobSet& blobs, Descriptor entry, const Platform& wanted) {
  FoundImage image;
  if (const std::optional<std::string> name = NameIn(entry)) image.names = {*name};
  image.source.what =
      image.names.empty() ? "the image " + entry.digest.text() : "the image " + image.names.front();
  image.manifest_digest = entry.digest;
  BOXLITE_ASSIGN_OR_RETURN(auto found, FindManifest(blobs, std::move(entry), wanted));
  image.source.manifest = std::move(found.second);
  BOXLITE_ASSIGN_OR_RETURN(OciManifest manifest, ParseManifest(image.source.manifest));
  BOXLITE_ASSIGN_OR_RETURN(image.source.config, ReadBlob(blobs, manifest.config, kMaxConfigBytes));
  for (const Descriptor& layer : manifest.layers) {
    BOXLITE_ASSIGN_OR_RETURN(std::uint64_t size, blobs.Size(BlobName(layer.digest)));
    if (size != layer.size) {
      return Corrupt("the blob " + layer.digest.text() + " has " + std::to_string(size) +
                     " bytes, and its manifest says " + std::to_string(layer.size));
    }
    image.source.layers.push_back({layer.digest.text(), layer.size});
  }
  image.source.open_layer = [&blobs, what = image.source.what, layers = std::move(manifest.layers)](
                                std::size_t index) -> Result<std::unique_ptr<ByteSource>> {
    const Descriptor& layer = layers.at(index);
    BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source,
                             blobs.Open(BlobName(layer.digest)));
    return std::unique_ptr<ByteSource>(
        new VerifiedSource(std::move(source), layer.digest, layer.size,
                           "layer " + std::to_string(index + 1) + " of " + what));
  };
  return image;
}

bool NamesPlatform(const Descriptor& entry) { return entry.platform.has_value(); }

// One name is one image: of its entries for several platforms one is meant.
Result<std::vector<FoundImage>> ReadLayout(const BlobSet& blobs, const Platform& wanted) {
  BOXLITE_ASSIGN_OR_RETURN(std::string text, blobs.ReadSmall(kLayoutIndex, kMaxManifestBytes));
  BOXLITE_ASSIGN_OR_RETURN(OciIndex index, ParseIndex(text));
  std::map<std::string, OciIndex> by_name;
  for (Descriptor& entry : index.manifests) {
    const std::string name = NameIn(entry).value_or("");
    by_name[name].manifests.push_back(std::move(entry));
  }
  std::vector<FoundImage> images;
  for (auto& [name, group] : by_name) {
    std::vector<Descriptor>& entries = group.manifests;
    if (entries.size() > 1 && std::ranges::all_of(entries, NamesPlatform)) {
      BOXLITE_ASSIGN_OR_RETURN(Descriptor chosen, ChoosePlatform(group, wanted));
      entries = {std::move(chosen)};
    }
    for (Descriptor& entry : entries) {
      Result<FoundImage> image = ReadOciImage(blobs, std::move(entry), wanted);
      if (!image.ok()) return std::move(image).error().While("read the image " + name);
      images.push_back(std::move(*image));
    }
  }
  if (images.empty()) return Corrupt("the layout has no image: its index.json is empty");
  return images;
}

}  // namespace

Result<std::vector<FoundImage>> ReadImages(const BlobSet& blobs, const Platform& wanted) {
  if (blobs.Has(kDockerTable)) return ReadDockerArchive(blobs);
  if (blobs.Has(kLayoutIndex) && blobs.Has(kLayoutMark)) return ReadLayout(blobs, wanted);
  return Corrupt(
      "there is no image: neither manifest.json of docker save nor oci-layout and index.json "
      "(boxlite import takes a tar of a filesystem)");
}

}  // namespace boxlite

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "boxlite/base/files.h"
#include "boxlite/copy/tar_writer.h"
#include "boxlite/image/blob_set.h"
#include "boxlite/image/export_layer.h"
#include "boxlite/image/spool.h"
#include "boxlite/image/works.h"

namespace boxlite {
namespace {

using Json = nlohmann::ordered_json;

// One image as it stands in the archive.
struct Saved {
  std::string config;    // bytes
  std::string manifest;  // bytes
  Fd layer;
  ExportedLayer layer_facts;
  std::vector<std::string> names;  // full
};

std::string BlobName(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

Json DescriptorJson(const std::string& type, const Digest& digest, std::uint64_t bytes) {
  return {{"mediaType", type}, {"digest", digest.text()}, {"size", bytes}};
}

// What made it is told still, as steps without a layer; the one layer is the last step's.
void DescribeOneLayer(ImageConfig& config, const Digest& layer) {
  config.diff_ids = {layer};
  for (HistoryStep& step : config.history) step.empty_layer = true;
  HistoryStep last;
  last.comment = "saved by boxlite as one layer";
  config.history.push_back(last);
}

Result<Saved> Export(const WorkPlace& place, const std::string& digest) {
  BOXLITE_ASSIGN_OR_RETURN(StoredImage image, place.store.Read(digest));
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, place.store.OpenImage(digest));
  Fd base(::openat(directory.get(), kBaseFile, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!base.valid()) return ErrnoError("open the base of the image " + digest);
  BOXLITE_ASSIGN_OR_RETURN(Fd layer, MakeUnlinkedFile(place.store.images_fd()));
  BOXLITE_ASSIGN_OR_RETURN(ExportedLayer facts,
                           ExportLayer(base.get(), layer.get(), place.store.images_fd()));
  Saved saved{"", "", std::move(layer), std::move(facts), {}};
  ImageConfig config = std::move(image.config);
  if (config.platform.os.empty()) config.platform = BoxPlatform();
  DescribeOneLayer(config, saved.layer_facts.digest);
  saved.config = EncodeConfig(config);
  Json manifest = {{"schemaVersion", 2}, {"mediaType", kOciManifestType}};
  manifest["config"] =
      DescriptorJson(kOciConfigType, Sha256::Of(saved.config), saved.config.size());
  manifest["layers"] = Json::array(
      {DescriptorJson(kOciLayerType, saved.layer_facts.digest, saved.layer_facts.bytes)});
  saved.manifest = manifest.dump();
  return saved;
}

class ArchiveWriter {
 public:
  explicit ArchiveWriter(int fd) : fd_(fd) {}

  Status Directory(const std::string& name) {
    TarEntry entry;
    entry.kind = TarEntry::Kind::kDirectory;
    entry.name = name;
    entry.mode = 0755;
    return WriteAll(fd_, EncodeTarHeader(entry));
  }

  Status File(const std::string& name, std::string_view bytes) {
    BOXLITE_RETURN_IF_ERROR(Begin(name, bytes.size()));
    BOXLITE_RETURN_IF_ERROR(WriteAll(fd_, bytes));
    return Pad(bytes.size());
  }

  Status File(const std::string& name, int content_fd, std::uint64_t bytes) {
    BOXLITE_RETURN_IF_ERROR(Begin(name, bytes));
    const std::unique_ptr<ByteSource> source = NewFileSource(content_fd, 0, bytes);
    std::string buffer(1024 * 1024, '\0');
    for (;;) {
      BOXLITE_ASSIGN_OR_RETURN(std::size_t count, source->Read(buffer));
      if (count == 0) break;
      BOXLITE_RETURN_IF_ERROR(WriteAll(fd_, std::string_view(buffer).substr(0, count)));
    }
    return Pad(bytes);
  }

  Status End() { return WriteAll(fd_, EncodeTarEnd()); }

 private:
  Status Begin(const std::string& name, std::uint64_t bytes) {
    TarEntry entry;
    entry.name = name;
    entry.mode = 0644;
    entry.size = bytes;
    return WriteAll(fd_, EncodeTarHeader(entry));
  }
  Status Pad(std::uint64_t bytes) { return WriteAll(fd_, std::string(TarPadding(bytes), '\0')); }

  int fd_;
};

// index.json, OCI's table of what there is: an entry a name.
std::string IndexText(const std::vector<Saved>& images) {
  Json index = {{"schemaVersion", 2}, {"mediaType", kOciIndexType}, {"manifests", Json::array()}};
  for (const Saved& image : images) {
    Json entry =
        DescriptorJson(kOciManifestType, Sha256::Of(image.manifest), image.manifest.size());
    if (image.names.empty()) index["manifests"].push_back(entry);
    for (const std::string& name : image.names) {
      Json named = entry;
      const Result<Reference> reference = Reference::Parse(name);
      named["annotations"] = {
          {"io.containerd.image.name", name},
          {"org.opencontainers.image.ref.name", reference.ok() ? reference->Familiar() : name}};
      index["manifests"].push_back(std::move(named));
    }
  }
  return index.dump();
}

// manifest.json, docker's.
std::string DockerTable(const std::vector<Saved>& images) {
  Json table = Json::array();
  for (const Saved& image : images) {
    Json names = Json::array();
    for (const std::string& name : image.names) {
      const Result<Reference> reference = Reference::Parse(name);
      names.push_back(reference.ok() ? reference->Familiar() : name);
    }
    table.push_back({{"Config", BlobName(Sha256::Of(image.config))},
                     {"RepoTags", std::move(names)},
                     {"Layers", Json::array({BlobName(image.layer_facts.digest)})}});
  }
  return table.dump();
}

// Images may share a layer: it is written once.
Status WriteBlobs(ArchiveWriter& archive, const Saved& image, std::set<std::string>& written) {
  for (const std::string* bytes : {&image.config, &image.manifest}) {
    const std::string name = BlobName(Sha256::Of(*bytes));
    if (written.insert(name).second) BOXLITE_RETURN_IF_ERROR(archive.File(name, *bytes));
  }
  const std::string layer = BlobName(image.layer_facts.digest);
  if (!written.insert(layer).second) return {};
  return archive.File(layer, image.layer.get(), image.layer_facts.bytes);
}

Status WriteArchive(int fd, const std::vector<Saved>& images) {
  ArchiveWriter archive(fd);
  BOXLITE_RETURN_IF_ERROR(archive.Directory("blobs"));
  BOXLITE_RETURN_IF_ERROR(archive.Directory("blobs/sha256"));
  std::set<std::string> written;
  for (const Saved& image : images) {
    BOXLITE_RETURN_IF_ERROR(WriteBlobs(archive, image, written));
  }
  BOXLITE_RETURN_IF_ERROR(archive.File("index.json", IndexText(images)));
  BOXLITE_RETURN_IF_ERROR(archive.File("manifest.json", DockerTable(images)));
  BOXLITE_RETURN_IF_ERROR(archive.File("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
  return archive.End();
}

}  // namespace

Status SaveImages(const WorkPlace& place, const ImageRequest& request) {
  std::map<std::string, std::size_t> known;  // by digest; of two names of one image it is one
  std::vector<Saved> images;
  for (const std::string& words : request.names) {
    BOXLITE_ASSIGN_OR_RETURN(std::optional<ImageStore::Found> found, place.store.Find(words));
    if (!found) return Error(ErrorCode::kNotFound, "no such image: " + words);
    const auto [place_of_it, fresh] = known.try_emplace(found->digest, images.size());
    if (fresh) {
      // Held while it is read: it may be removed right after.
      BOXLITE_ASSIGN_OR_RETURN(OfdLock held, place.store.Hold(found->digest));
      Result<Saved> saved = Export(place, found->digest);
      if (!saved.ok()) return std::move(saved).error().While("save " + words);
      images.push_back(std::move(*saved));
    }
    if (found->tag) images[place_of_it->second].names.push_back(found->tag->name);
  }
  return WriteArchive(place.data_fd, images);
}

}  // namespace boxlite

#include <unistd.h>

#include <cerrno>

#include "boxlite/base/files.h"
#include "boxlite/base/wall_clock.h"
#include "boxlite/image/import_changes.h"
#include "boxlite/image/make_image.h"
#include "boxlite/image/works.h"

namespace boxlite {
namespace {

class DescriptorSource final : public ByteSource {
 public:
  explicit DescriptorSource(int fd) : fd_(fd) {}

  Result<std::size_t> Read(std::span<char> room) override {
    ssize_t count;
    do {
      count = ::read(fd_, room.data(), room.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) return ErrnoError("read the tar of the filesystem");
    return static_cast<std::size_t>(count);
  }

 private:
  int fd_;
};

// The one layer, whose digest nobody has told.
class ImportedLayer final : public LayerOpener {
 public:
  ImportedLayer(int data_fd, int dir_fd) : data_fd_(data_fd), dir_fd_(dir_fd) {}

  std::size_t count() const override { return 1; }
  Result<LayerSource> Open(std::size_t) override {
    LayerSource layer;
    layer.bytes =
        NewGuardedSource(std::make_unique<DescriptorSource>(data_fd_), dir_fd_, "the image");
    return layer;
  }

 private:
  int data_fd_;
  int dir_fd_;
};

Result<ImageConfig> ConfigFor(const ImageRequest& request) {
  ImageConfig config;
  BOXLITE_ASSIGN_OR_RETURN(config.platform, WantedPlatform(request.platform));
  for (const std::string& change : request.changes) {
    BOXLITE_RETURN_IF_ERROR(ApplyChange(change, config));
  }
  return config;
}

}  // namespace

Status ImportImage(const WorkPlace& place, const ImageRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(ImageConfig config, ConfigFor(request));
  std::optional<Reference> name;
  if (!request.names.empty()) {
    BOXLITE_ASSIGN_OR_RETURN(Reference parsed, Reference::Parse(request.names[0]));
    if (parsed.digest()) {
      return Error(ErrorCode::kInvalidArgument, "what is imported gets its digest: leave it out");
    }
    name = std::move(parsed);
  }
  // What it will be is not known before it is read: nobody else makes the same.
  BOXLITE_ASSIGN_OR_RETURN(ImageMaking making,
                           ImageMaking::Begin(place.store, "import-" + RandomHex(8)));
  BOXLITE_RETURN_IF_ERROR(RequireSpace(making.directory(), 0, "the image"));
  ImageEvent layers;
  layers.kind = ImageEventKind::kLayers;
  layers.layers = {ImageLayer()};
  place.tell(layers);
  ImportedLayer layer(place.data_fd, making.directory());
  // A constant seed: the same tar makes the same base, and its id is not known yet.
  BOXLITE_ASSIGN_OR_RETURN(
      BaseFacts facts, WriteBase(layer, "imported", making.directory(), kBaseFile, BaseOptions(),
                                 TellProgress(place.tell)));
  config.diff_ids = facts.diff_ids;
  HistoryStep step;
  step.comment = request.message.empty() ? "imported by boxlite" : request.message;
  config.history = {step};
  const std::string bytes = EncodeConfig(config);
  BOXLITE_RETURN_IF_ERROR(
      WriteFileAtomically(making.directory(), kConfigFile, bytes, Durability::kDurable));
  StoredImage image;
  image.digest = Sha256::Of(bytes).text();
  image.config = std::move(config);
  image.stored_ns = WallClockNowNs();
  ImageEvent event;
  event.kind = ImageEventKind::kImage;
  event.fresh = !place.store.Has(image.digest);
  event.digest = image.digest;
  BOXLITE_RETURN_IF_ERROR(making.Publish(image));
  if (name) {
    ImageTag tag;
    tag.name = name->Full();
    tag.image = image.digest;
    BOXLITE_RETURN_IF_ERROR(place.store.Tag(tag));
    event.names = {tag.name};
  }
  place.tell(event);
  return {};
}

}  // namespace boxlite

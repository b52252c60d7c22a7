#include "boxlite/image/make_image.h"

#include <chrono>
#include <vector>

#include "boxlite/base/files.h"
#include "boxlite/base/wall_clock.h"

namespace boxlite {
namespace {

// As often as eyes follow.
constexpr std::chrono::milliseconds kTellEvery{100};
constexpr std::uint64_t kLookAtSpaceEvery = 16ULL << 20;

class GuardedSource final : public ByteSource {
 public:
  GuardedSource(std::unique_ptr<ByteSource> source, int dir_fd, std::string what)
      : source_(std::move(source)), dir_fd_(dir_fd), what_(std::move(what)) {}

  Result<std::size_t> Read(std::span<char> room) override {
    if (since_look_ >= kLookAtSpaceEvery) {
      since_look_ = 0;
      BOXLITE_RETURN_IF_ERROR(RequireSpace(dir_fd_, 0, what_));
    }
    Result<std::size_t> count = source_->Read(room);
    if (count.ok()) since_look_ += *count;
    return count;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  int dir_fd_;
  std::string what_;
  std::uint64_t since_look_ = 0;
};

class SourceLayers final : public LayerOpener {
 public:
  SourceLayers(const ImageSource& source, const ImageConfig& config, int dir_fd)
      : source_(source), config_(config), dir_fd_(dir_fd) {}

  std::size_t count() const override { return source_.layers.size(); }
  Result<LayerSource> Open(std::size_t index) override {
    BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> bytes, source_.open_layer(index));
    LayerSource layer;
    layer.bytes = NewGuardedSource(std::move(bytes), dir_fd_, source_.what);
    layer.diff_id = config_.diff_ids.at(index);
    layer.arrival = source_.arrival;
    return layer;
  }

 private:
  const ImageSource& source_;
  const ImageConfig& config_;
  int dir_fd_;
};

// Less than it will take: what is surely too much is told before anything is written.
std::uint64_t LeastBytes(const ImageSource& source) {
  std::uint64_t sum = 0;
  for (const ImageLayer& layer : source.layers) sum += layer.bytes;
  return source.arrival == Arrival::kFetchAhead ? 2 * sum : sum;
}

Status Write(const ImageMaking& making, const ImageSource& source, const ImageConfig& config,
             const std::string& digest, const TellEvent& tell) {
  BOXLITE_RETURN_IF_ERROR(RequireSpace(making.directory(), LeastBytes(source), source.what));
  ImageEvent layers;
  layers.kind = ImageEventKind::kLayers;
  layers.layers = source.layers;
  tell(layers);
  SourceLayers opener(source, config, making.directory());
  Result<BaseFacts> facts =
      WriteBase(opener, digest, making.directory(), kBaseFile, BaseOptions(), TellProgress(tell));
  if (!facts.ok()) return std::move(facts).error();
  BOXLITE_RETURN_IF_ERROR(
      WriteFileAtomically(making.directory(), kConfigFile, source.config, Durability::kDurable));
  if (source.manifest.empty()) return {};
  return WriteFileAtomically(making.directory(), kManifestFile, source.manifest,
                             Durability::kDurable);
}

}  // namespace

std::unique_ptr<ByteSource> NewGuardedSource(std::unique_ptr<ByteSource> source, int dir_fd,
                                             std::string what) {
  return std::make_unique<GuardedSource>(std::move(source), dir_fd, std::move(what));
}

ProgressCallback TellProgress(const TellEvent& tell) {
  auto told = std::make_shared<std::vector<std::chrono::steady_clock::time_point>>();
  return [tell, told](const BaseProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (progress.layer >= told->size()) told->resize(progress.layer + 1);
    auto& last = told->at(progress.layer);
    if (!progress.done && now - last < kTellEvery) return;
    last = now;
    ImageEvent event;
    event.kind = ImageEventKind::kLayer;
    event.index = progress.layer;
    event.bytes = progress.stored_bytes;
    event.done = progress.done;
    tell(event);
  };
}

Result<Platform> WantedPlatform(const std::string& text) {
  if (text.empty()) return BoxPlatform();
  return ParsePlatform(text);
}

Status CheckConfig(const ImageConfig& config, const ImageSource& source, const Platform& wanted) {
  // Images that say nothing of it are believed.
  const Platform& is = config.platform;
  const bool fits = (is.os.empty() || is.os == wanted.os) &&
                    (is.architecture.empty() || is.architecture == wanted.architecture);
  if (!fits) {
    return Error(ErrorCode::kUnsupported, source.what + " is for " + FormatPlatform(is) +
                                              ", and what is wanted is for " +
                                              FormatPlatform(wanted));
  }
  if (config.diff_ids.size() == source.layers.size()) return {};
  return Error(ErrorCode::kCorrupt, source.what + " has " + std::to_string(source.layers.size()) +
                                        " layers, and its configuration tells of " +
                                        std::to_string(config.diff_ids.size()));
}

Result<MadeImage> MakeImage(const ImageStore& store, const ImageSource& source,
                            const Platform& wanted, const TellEvent& tell) {
  Result<ImageConfig> config = ParseConfig(source.config);
  if (!config.ok()) return std::move(config).error().While(source.what);
  BOXLITE_RETURN_IF_ERROR(CheckConfig(*config, source, wanted));
  const Digest digest = Sha256::Of(source.config);
  if (store.Has(digest.text())) return MadeImage{digest.text(), false};
  BOXLITE_ASSIGN_OR_RETURN(ImageMaking making, ImageMaking::Begin(store, digest.hex(), [&] {
                             ImageEvent event;
                             event.text =
                                 "another process makes " + source.what + ": waiting for it";
                             tell(event);
                           }));
  if (store.Has(digest.text())) return MadeImage{digest.text(), false};
  StoredImage image;
  image.digest = digest.text();
  image.config = std::move(*config);
  image.stored_ns = WallClockNowNs();
  Status written = Write(making, source, image.config, digest.text(), tell);
  if (!written.ok()) return std::move(written).error().While("make " + source.what);
  BOXLITE_RETURN_IF_ERROR(making.Publish(image));
  return MadeImage{digest.text(), true};
}

}  // namespace boxlite

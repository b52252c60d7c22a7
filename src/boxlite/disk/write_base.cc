#include "boxlite/disk/write_base.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <utility>

#include "boxlite/base/cleanup.h"
#include "boxlite/base/fd.h"
#include "boxlite/disk/apply_layer.h"
#include "boxlite/disk/block_store.h"
#include "boxlite/disk/ext4_writer.h"
#include "boxlite/disk/image_tree.h"
#include "boxlite/disk/layer_feed.h"
#include "boxlite/disk/layer_reader.h"

namespace boxlite {
namespace {

// What is hashed to an identity: another rule for the base's bytes gets another number.
constexpr char kFormat[] = "boxlite base 1";

std::array<std::uint8_t, 16> BytesFrom(const std::string& what, const std::string& seed) {
  const std::string hex = Sha256::Of(std::string(kFormat) + '\0' + what + '\0' + seed).hex();
  std::array<std::uint8_t, 16> bytes = {};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(std::stoul(hex.substr(2 * i, 2), nullptr, 16));
  }
  return bytes;
}

FilesystemIdentity IdentityOf(const std::string& seed, const std::string& label) {
  FilesystemIdentity identity;
  identity.uuid = BytesFrom("uuid", seed);
  // RFC 4122: a UUID made from a name.
  identity.uuid[6] = static_cast<std::uint8_t>((identity.uuid[6] & 0x0f) | 0x50);
  identity.uuid[8] = static_cast<std::uint8_t>((identity.uuid[8] & 0x3f) | 0x80);
  identity.hash_seed = BytesFrom("hash seed", seed);
  identity.label = label;
  return identity;
}

class BaseWriter {
 public:
  BaseWriter(LayerOpener& layers, int dir_fd, int fd, const BaseOptions& options,
             const ProgressCallback& progress)
      : layers_(layers),
        dir_fd_(dir_fd),
        fd_(fd),
        options_(options),
        totals_(options.limits, progress),
        max_blocks_(options.limits.disk_bytes / kBlockBytes),
        tree_(options.limits.tree_bytes),
        store_(fd, max_blocks_) {
    limits_.entries = options.limits.entries;
    limits_.file_bytes = options.limits.file_bytes;
  }

  Result<BaseFacts> Write(const std::string& seed) {
    for (std::size_t i = 0; i < layers_.count(); ++i) BOXLITE_RETURN_IF_ERROR(WriteLayer(i));
    for (const Extent& extent : tree_.TakeFreed()) BOXLITE_RETURN_IF_ERROR(store_.Discard(extent));
    BOXLITE_RETURN_IF_ERROR(store_.Flush());
    BOXLITE_ASSIGN_OR_RETURN(
        const FilesystemFacts facts,
        WriteFilesystem(tree_, store_, fd_, max_blocks_, IdentityOf(seed, options_.label)));
    if (::fsync(fd_) != 0) return ErrnoError("sync the base");
    facts_.size_bytes = facts.size_bytes;
    facts_.used_bytes = facts.used_bytes;
    facts_.entries = facts.inodes;
    return std::move(facts_);
  }

 private:
  // The layer that is taken now, and those after it that are read ahead.
  LayerFeed& FeedFor(std::size_t index) {
    const std::size_t ahead = std::max<std::size_t>(2, options_.fetches_at_once);
    while (first_feed_ < index) {
      feeds_.pop_front();
      ++first_feed_;
    }
    for (std::size_t i = first_feed_ + feeds_.size(); i < layers_.count() && i < index + ahead;
         ++i) {
      feeds_.push_back(std::make_unique<LayerFeed>(layers_, i, dir_fd_, totals_));
    }
    return *feeds_.front();
  }

  Status WriteLayer(std::size_t index) {
    LayerFeed& feed = FeedFor(index);
    Status outcome = Apply(feed, index);
    if (!outcome.ok()) return std::move(outcome).error().While(feed.Describe());
    facts_.diff_ids.push_back(feed.diff_id());
    totals_.Done(index);
    return {};
  }

  Status Apply(LayerFeed& feed, std::size_t index) {
    LayerReader reader([this, &feed, index]() -> Result<std::string_view> {
      BOXLITE_ASSIGN_OR_RETURN(const std::string_view bytes, feed.Next());
      if (!bytes.empty()) totals_.AddWritten(index, bytes.size());
      return bytes;
    });
    BOXLITE_RETURN_IF_ERROR(ApplyLayer(reader, tree_, store_, limits_));
    // The sum of a stream that was verified says that it is whole: some writers leave the end out.
    return reader.Finish(feed.verified() ? LayerReader::EndMarker::kOptional
                                         : LayerReader::EndMarker::kNeeded);
  }

  LayerOpener& layers_;
  const int dir_fd_;
  const int fd_;
  const BaseOptions& options_;
  FeedTotals totals_;
  const std::uint64_t max_blocks_;
  ApplyLimits limits_;
  ImageTree tree_;
  BlockStore store_;
  BaseFacts facts_;
  std::size_t first_feed_ = 0;
  std::deque<std::unique_ptr<LayerFeed>> feeds_;  // destroyed first: their threads use the others
};

}  // namespace

Result<BaseFacts> WriteBase(LayerOpener& layers, const std::string& image_seed, int dir_fd,
                            const std::string& name, const BaseOptions& options,
                            const ProgressCallback& progress) {
  if (layers.count() > options.limits.layers) {
    return Error(ErrorCode::kResourceExhausted, "the image has " + std::to_string(layers.count()) +
                                                    " layers, more than " +
                                                    std::to_string(options.limits.layers));
  }
  Fd fd(::openat(dir_fd, name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return ErrnoError("make the base " + name);
  Cleanup remove([dir_fd, &name] { ::unlinkat(dir_fd, name.c_str(), 0); });
  BaseWriter writer(layers, dir_fd, fd.get(), options, progress);
  BOXLITE_ASSIGN_OR_RETURN(BaseFacts facts, writer.Write(image_seed));
  remove.Cancel();
  return facts;
}

}  // namespace boxlite

// WriteBase: an image's ordered layers become one ext4 base, without root and without a directory
// in between. Same layers and seed, same bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/disk/decompressor.h"
#include "boxlite/oci/byte_source.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

// kFetchAhead: the bytes come slowly (from a network) and should be fetched while earlier layers
// are written. They wait, as stored, in an unlinked file beside the base.
enum class Arrival { kReadWhenNeeded, kFetchAhead };

// One layer: a tar stream, maybe compressed. `bytes` verifies what the manifest says of the stored
// bytes (digest and size); diff_id, of the tar stream, is verified here.
struct LayerSource {
  std::unique_ptr<ByteSource> bytes;
  Compression compression = Compression::kDetect;
  std::optional<Digest> diff_id;  // without it the stream must end with tar's end marker
  Arrival arrival = Arrival::kReadWhenNeeded;
};

class LayerOpener {
 public:
  virtual ~LayerOpener() = default;
  virtual std::size_t count() const = 0;
  // The layer `index`, 0 the lowest. Called once for each, from threads of WriteBase(): calls may
  // overlap with each other and with reads of other layers.
  virtual Result<LayerSource> Open(std::size_t index) = 0;
};

// Refused beyond these with kResourceExhausted, while streaming. The numbers of one image.
struct BaseLimits {
  std::uint64_t plain_bytes = std::uint64_t{64} << 30;   // of all tar streams, decompressed
  std::uint64_t file_bytes = std::uint64_t{256} << 30;   // one file's size, holes counted
  std::uint64_t stored_bytes = std::uint64_t{32} << 30;  // of all layers, as they come
  std::uint64_t entries = 4'000'000;                     // of all layers
  std::uint64_t disk_bytes = std::uint64_t{256} << 30;   // of the base; below 1 TiB
  std::uint64_t tree_bytes = std::uint64_t{1} << 30;     // of memory, for names and inodes
  std::size_t layers = 1000;
};

struct BaseOptions {
  BaseLimits limits;
  std::string label = "boxlite";    // of the filesystem, 16 bytes at most
  std::size_t fetches_at_once = 3;  // layers with kFetchAhead that are read at a time
};

struct BaseProgress {
  std::size_t layer = 0;
  std::uint64_t stored_bytes = 0;   // read from the source until now
  std::uint64_t written_bytes = 0;  // of the tar stream, put into the base until now
  bool done = false;                // the layer is in the base
};
// From several threads, one call at a time. Must be quick.
using ProgressCallback = std::function<void(const BaseProgress&)>;

struct BaseFacts {
  std::uint64_t size_bytes = 0;  // of the file, and the least size of a disk over it
  std::uint64_t used_bytes = 0;  // of size_bytes, what the image's content and metadata take
  std::uint64_t entries = 0;     // inodes in the base
  std::vector<Digest> diff_ids;  // of the layers, computed
};

// Blocks. `name` in dir_fd must not be there (kAlreadyExists); it appears at once and grows, and is
// whole and on the disk (fsync of the file, not of the directory) after success. After an error
// it is gone. image_seed (the image's digest) decides the filesystem's UUID and hash seed.
//
// Errors name the layer and, where there is one, the path: kCorrupt (damaged, cut or lying layer,
// or one that no filesystem can hold), kResourceExhausted (a limit, or the disk is full),
// kUnsupported (what ext4 cannot hold), and whatever the opener and its sources returned.
Result<BaseFacts> WriteBase(LayerOpener& layers, const std::string& image_seed, int dir_fd,
                            const std::string& name, const BaseOptions& options = {},
                            const ProgressCallback& progress = nullptr);

}  // namespace boxlite

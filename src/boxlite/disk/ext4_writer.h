// Ext4Writer: what an image's tree says, as an ext4 filesystem around the file content that is in
// the base already. libext2fs writes superblock, bitmaps, inodes, attributes and journal.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/disk/block_store.h"
#include "boxlite/disk/image_tree.h"

namespace boxlite {

// What no layer says; everything else in the filesystem follows from the tree.
struct FilesystemIdentity {
  std::array<std::uint8_t, 16> uuid = {};
  std::array<std::uint8_t, 16> hash_seed = {};
  std::string label;
};

struct FilesystemFacts {
  std::uint64_t size_bytes = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t inodes = 0;  // of the tree
};

// `store` has flushed its bytes; `fd` is its file, whose size is set here. Not yet synced.
Result<FilesystemFacts> WriteFilesystem(const ImageTree& tree, BlockStore& store, int fd,
                                        std::uint64_t max_blocks,
                                        const FilesystemIdentity& identity);

}  // namespace boxlite

// Geometry: how large the filesystem has to be, chosen when all file content has its place.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstdint>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/disk/image_tree.h"

namespace boxlite {

// A journal does not grow with its filesystem: this one has to do for a disk of gigabytes. 16 MiB,
// as in the shipped image.
inline constexpr std::uint32_t kJournalBlocks = 4096;

struct Geometry {
  std::uint64_t blocks = 0;
  std::uint32_t groups = 0;
  std::uint32_t inodes_per_group = 0;
};

// `content_end`: all blocks given out lie before it. `inodes`: those that are in the filesystem.
// kResourceExhausted beyond max_blocks.
Result<Geometry> ChooseGeometry(const ImageTree& tree, const std::vector<InodeId>& inodes,
                                std::uint64_t content_end, std::uint64_t max_blocks);

// What ext2fs_initialize() is asked for: features as the shipped image has them.
void FillSuperblock(const Geometry& geometry, struct ext2_super_block& super);

}  // namespace boxlite

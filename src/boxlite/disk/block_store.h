// BlockStore: the base's blocks while it is written: gives them out in ascending order, and writes
// bytes into the file in large pieces.
//
// Blocks are given out before anybody knows how large the filesystem will be. That works because
// the only things in ext4 that have a fixed place, the superblock and the group descriptors with
// their copies, are given a size that does not depend on the filesystem's; everything else may
// follow what was given out (flex_bg).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/disk/image_tree.h"

namespace boxlite {

inline constexpr std::uint32_t kBlockBytes = 4096;
inline constexpr std::uint32_t kGroupBlocks = 8 * kBlockBytes;  // one block of bitmap
inline constexpr std::uint32_t kDescriptorBytes = 64;
// Blocks for group descriptors, used and reserved: a box's disk may grow to 1 TiB while mounted, as
// that of the shipped image.
inline constexpr std::uint32_t kDescriptorBlocks = 128;
inline constexpr std::uint64_t kMaxBlocks =
    std::uint64_t{kDescriptorBlocks} * (kBlockBytes / kDescriptorBytes) * kGroupBlocks;

// True for the groups that begin with a copy of superblock and descriptors (sparse_super).
bool GroupHasSuperblock(std::uint32_t group);

class BlockStore {
 public:
  // `fd` stays the caller's and must outlive this. kResourceExhausted when more than max_blocks
  // (at most kMaxBlocks) would be given out.
  BlockStore(int fd, std::uint64_t max_blocks);

  // The next `wanted` blocks, or fewer (at least one) where a superblock's copy is in their way.
  Result<Extent> Allocate(std::uint32_t wanted);
  // The next place where `count` blocks (less than a group has) lie together.
  Result<std::uint32_t> AllocateTogether(std::uint32_t count);
  std::uint64_t end() const { return next_; }  // all blocks given out lie before it

  // `offset` in bytes of the base. In ascending order it is fast. What was never written is zeros.
  Status Write(std::uint64_t offset, std::string_view bytes);
  Status Flush();
  // Gives the blocks' room back to the host; they read as zeros. They are not given out again.
  Status Discard(const Extent& extent);

 private:
  std::uint64_t SkipReserved(std::uint64_t block) const;

  int fd_;
  std::uint64_t max_blocks_;
  std::uint64_t next_;
  std::string pending_;  // bytes to be written at pending_at_
  std::uint64_t pending_at_ = 0;
  std::uint64_t written_ = 0;  // since the host was asked to begin writing to its disk
};

// The bytes of one file, in ascending order of their offsets: makes its extents.
class ContentWriter {
 public:
  ContentWriter(BlockStore& store, ImageTree& tree, InodeId inode)
      : store_(store), tree_(tree), inode_(inode) {}

  // kCorrupt: before what was written already, or beyond the inode's size.
  Status Write(std::uint64_t offset, std::string_view bytes);

 private:
  Status Cover(std::uint32_t first, std::uint32_t last);

  BlockStore& store_;
  ImageTree& tree_;
  InodeId inode_;
  std::uint64_t end_ = 0;
};

}  // namespace boxlite

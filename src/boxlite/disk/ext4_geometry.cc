#include "boxlite/disk/ext4_geometry.h"

#include <algorithm>
#include <string>

#include "boxlite/disk/block_store.h"
#include "boxlite/disk/ext4_directory.h"

namespace boxlite {
namespace {

constexpr std::uint32_t kInodeBytes = 256;
constexpr std::uint32_t kInodesPerBlock = kBlockBytes / kInodeBytes;
// One for 16 KiB, mke2fs's ratio: groups that the guest adds when it grows have as many.
constexpr std::uint32_t kLeastInodesPerGroup = kGroupBlocks * (kBlockBytes / 1024) / 16;
constexpr std::uint32_t kMostInodesPerGroup = 8 * kBlockBytes;  // one block of bitmap
// The smallest disk that a box may have, 64 MiB.
constexpr std::uint64_t kLeastBlocks = 64 * 256;
constexpr std::uint64_t kLeastFreeBlocks = 16 * 256;
constexpr std::uint64_t kRounding = 256;  // a whole MiB
// The kernel takes a group that has hardly more than its own tables for damage.
constexpr std::uint64_t kLeastLastGroup = 8192;
// A node of an extent tree holds 340; the library leaves them half full at worst.
constexpr std::uint64_t kExtentsPerNode = 170;
// ext4 groups groups: the kernel grows a filesystem by as many at a time, and with the usual 16 a
// first boot takes half as long again to do so.
constexpr std::uint8_t kLogGroupsPerFlex = 7;

std::uint64_t RoundUp(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

// At most, of everything but the tables of the groups.
std::uint64_t MetadataBlocks(const ImageTree& tree, const std::vector<InodeId>& inodes) {
  std::uint64_t blocks = kJournalBlocks + kJournalBlocks / 256 + 8;
  for (const InodeId id : inodes) {
    const Inode& inode = tree.GetInode(id);
    if (!inode.xattrs.empty()) ++blocks;
    if (inode.type == FileType::kSymlink) ++blocks;
    std::uint64_t extents = inode.extents.size();
    for (const Extent& extent : inode.extents) extents += extent.count / 32768;
    if (extents > 4) blocks += extents / kExtentsPerNode + extents / kExtentsPerNode / 100 + 4;
    if (inode.type != FileType::kDirectory) continue;
    std::uint64_t bytes = 0;
    for (const auto& [name, child] : inode.directory->names) bytes += name.size();
    blocks += MostDirectoryBlocks(inode.directory->names.size(), bytes);
  }
  return blocks;
}

}  // namespace

Result<Geometry> ChooseGeometry(const ImageTree& tree, const std::vector<InodeId>& inodes,
                                std::uint64_t content_end, std::uint64_t max_blocks) {
  max_blocks = std::min(max_blocks, kMaxBlocks);
  const std::uint64_t metadata = MetadataBlocks(tree, inodes);
  const std::uint64_t wanted_inodes = inodes.size() + inodes.size() / 8 + 1024;
  const std::uint64_t free = std::max(kLeastFreeBlocks, content_end / 16);
  Geometry geometry;
  std::uint64_t groups = 1;
  for (;;) {
    const std::uint64_t per_group =
        std::clamp<std::uint64_t>(RoundUp((wanted_inodes + groups - 1) / groups, kInodesPerBlock),
                                  kLeastInodesPerGroup, kMostInodesPerGroup);
    const std::uint64_t table = per_group / kInodesPerBlock;
    // Tables must lie together: what is left before a superblock's copy may be skipped.
    const std::uint64_t copies =
        (1 + kDescriptorBlocks + table) * std::min<std::uint64_t>(groups, 64);
    std::uint64_t blocks = content_end + metadata + groups * (2 + table) + copies + free;
    blocks = std::max(RoundUp(blocks, kRounding), kLeastBlocks);
    if (blocks % kGroupBlocks != 0 && blocks % kGroupBlocks < kLeastLastGroup) {
      blocks += kLeastLastGroup - blocks % kGroupBlocks;
    }
    const std::uint64_t needed =
        std::max((blocks + kGroupBlocks - 1) / kGroupBlocks,
                 (wanted_inodes + kMostInodesPerGroup - 1) / kMostInodesPerGroup);
    if (needed <= groups) {
      // More groups than blocks need, for their inodes.
      blocks = std::max(blocks, (groups - 1) * kGroupBlocks + kLeastLastGroup);
      if (blocks > max_blocks) {
        return Error(
            ErrorCode::kResourceExhausted,
            "the image would take more than " + std::to_string(max_blocks / 256) + " MiB of disk");
      }
      geometry.blocks = blocks;
      geometry.groups = static_cast<std::uint32_t>(groups);
      geometry.inodes_per_group = static_cast<std::uint32_t>(per_group);
      return geometry;
    }
    groups = needed;
  }
}

void FillSuperblock(const Geometry& geometry, struct ext2_super_block& super) {
  super.s_rev_level = EXT2_DYNAMIC_REV;
  super.s_log_block_size = 2;    // 4 KiB
  super.s_log_cluster_size = 2;  // the same: no clusters
  super.s_inode_size = kInodeBytes;
  super.s_log_groups_per_flex = kLogGroupsPerFlex;
  super.s_blocks_per_group = kGroupBlocks;
  ext2fs_blocks_count_set(&super, geometry.blocks);
  super.s_inodes_count = geometry.groups * geometry.inodes_per_group;
  const std::uint64_t descriptors =
      (std::uint64_t{geometry.groups} * kDescriptorBytes + kBlockBytes - 1) / kBlockBytes;
  super.s_reserved_gdt_blocks = static_cast<std::uint16_t>(kDescriptorBlocks - descriptors);
  super.s_desc_size = kDescriptorBytes;
  super.s_feature_compat = EXT3_FEATURE_COMPAT_HAS_JOURNAL | EXT2_FEATURE_COMPAT_EXT_ATTR |
                           EXT2_FEATURE_COMPAT_RESIZE_INODE | EXT2_FEATURE_COMPAT_DIR_INDEX;
  super.s_feature_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS |
                             EXT4_FEATURE_INCOMPAT_FLEX_BG | EXT4_FEATURE_INCOMPAT_64BIT;
  super.s_feature_ro_compat =
      EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
      EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK |
      EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
}

}  // namespace boxlite

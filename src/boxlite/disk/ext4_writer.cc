#include "boxlite/disk/ext4_writer.h"

#include <ext2fs/ext2fs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include <et/com_err.h>  // has no C++ guard
}

#include "boxlite/base/fd.h"
#include "boxlite/disk/ext4_directory.h"
#include "boxlite/disk/ext4_geometry.h"

namespace boxlite {
namespace {

// Every time in the filesystem that no layer says. Not 0: libext2fs takes that for "now".
constexpr std::uint32_t kEpoch = 1672531200;
constexpr std::uint32_t kMaxExtentBlocks = 32768;  // a written extent's
constexpr std::size_t kInlineExtents = 4;          // in the inode itself
constexpr std::size_t kInlineTarget = 60;          // a shorter symbolic link is in the inode
constexpr std::uint32_t kMaxLinks = 65000;         // a directory with more has 1 (dir_nlink)
// ext4's seconds: 34 bits from 1901 on. The kernel clamps as well.
constexpr std::int64_t kFirstSecond = -(std::int64_t{1} << 31);
constexpr std::int64_t kLastSecond = kFirstSecond + (std::int64_t{1} << 34) - 1;

Error Ext2Error(const std::string& what, errcode_t code) {
  if (code > 0 && code < 256) return ErrnoError(what, static_cast<int>(code));
  if (code == EXT2_ET_EA_NO_SPACE || code == EXT2_ET_INODE_CORRUPTED) {
    return Error(ErrorCode::kUnsupported, what + ": " + ::error_message(code));
  }
  return Error(ErrorCode::kInternal, what + ": " + ::error_message(code));
}

#define BOXLITE_EXT2(call)                                        \
  do {                                                            \
    const errcode_t boxlite_code = (call);                        \
    if (boxlite_code != 0) return Ext2Error(#call, boxlite_code); \
  } while (false)

std::uint32_t TypeBits(FileType type) {
  switch (type) {
    case FileType::kFile:
      return LINUX_S_IFREG;
    case FileType::kDirectory:
      return LINUX_S_IFDIR;
    case FileType::kSymlink:
      return LINUX_S_IFLNK;
    case FileType::kCharacterDevice:
      return LINUX_S_IFCHR;
    case FileType::kBlockDevice:
      return LINUX_S_IFBLK;
    case FileType::kFifo:
      return LINUX_S_IFIFO;
  }
  return 0;
}

std::uint8_t EntryType(FileType type) {
  switch (type) {
    case FileType::kFile:
      return EXT2_FT_REG_FILE;
    case FileType::kDirectory:
      return EXT2_FT_DIR;
    case FileType::kSymlink:
      return EXT2_FT_SYMLINK;
    case FileType::kCharacterDevice:
      return EXT2_FT_CHRDEV;
    case FileType::kBlockDevice:
      return EXT2_FT_BLKDEV;
    case FileType::kFifo:
      return EXT2_FT_FIFO;
  }
  return EXT2_FT_UNKNOWN;
}

void SetTimes(struct ext2_inode_large& inode, const Attributes& attributes) {
  std::int64_t seconds = attributes.mtime_s;
  std::uint32_t nanoseconds = attributes.mtime_ns;
  if (seconds < kFirstSecond || seconds > kLastSecond) {
    seconds = std::clamp(seconds, kFirstSecond, kLastSecond);
    nanoseconds = 0;
  }
  const auto low = static_cast<std::uint32_t>(seconds);
  const auto high =
      static_cast<std::uint32_t>((seconds - static_cast<std::int32_t>(low)) >> 32) & 3;
  inode.i_atime = inode.i_ctime = inode.i_mtime = inode.i_crtime = low;
  inode.i_atime_extra = inode.i_ctime_extra = inode.i_mtime_extra = inode.i_crtime_extra =
      nanoseconds << 2 | high;
}

std::vector<Extent> SplitExtents(const std::vector<Extent>& extents) {
  std::vector<Extent> split;
  split.reserve(extents.size());
  for (Extent extent : extents) {
    while (extent.count > 0) {
      Extent part = extent;
      part.count = std::min(extent.count, kMaxExtentBlocks);
      split.push_back(part);
      extent.logical += part.count;
      extent.physical += part.count;
      extent.count -= part.count;
    }
  }
  return split;
}

void PutInlineExtents(struct ext2_inode_large& inode, const std::vector<Extent>& extents) {
  struct ext3_extent_header header = {};
  header.eh_magic = EXT3_EXT_MAGIC;
  header.eh_entries = static_cast<std::uint16_t>(extents.size());
  header.eh_max = kInlineExtents;
  char* at = reinterpret_cast<char*>(inode.i_block);
  std::memcpy(at, &header, sizeof header);
  for (const Extent& extent : extents) {
    at += sizeof header;
    struct ext3_extent one = {};
    one.ee_block = extent.logical;
    one.ee_len = static_cast<std::uint16_t>(extent.count);
    one.ee_start = extent.physical;
    std::memcpy(at, &one, sizeof one);
  }
}

class Writer {
 public:
  Writer(const ImageTree& tree, BlockStore& store, int fd, const FilesystemIdentity& identity)
      : tree_(tree), store_(store), fd_(fd), identity_(identity) {}
  ~Writer() {
    if (fs_ != nullptr) ext2fs_free(fs_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<FilesystemFacts> Write(std::uint64_t max_blocks) {
    NumberInodes();
    BOXLITE_ASSIGN_OR_RETURN(const Geometry geometry,
                             ChooseGeometry(tree_, order_, store_.end(), max_blocks));
    if (::ftruncate(fd_, static_cast<off_t>(geometry.blocks) * kBlockBytes) != 0) {
      return ErrnoError("set the base's size");
    }
    BOXLITE_RETURN_IF_ERROR(Begin(geometry));
    BOXLITE_RETURN_IF_ERROR(PlaceTables());
    for (std::size_t i = 0; i < order_.size(); ++i) BOXLITE_RETURN_IF_ERROR(WriteInode(order_[i]));
    return Finish();
  }

 private:
  // Breadth first, names in order: what lies in one directory has neighbouring numbers.
  void NumberInodes() {
    numbers_.assign(tree_.inode_slots(), 0);
    Number(kRootInode);
    for (std::size_t next = 0; next < directories_.size(); ++next) {
      for (const auto& [name, child] : tree_.GetInode(directories_[next]).directory->names) {
        if (numbers_[child.inode] == 0) Number(child.inode);
      }
    }
  }
  void Number(InodeId id) {
    numbers_[id] = order_.empty()
                       ? static_cast<ext2_ino_t>(EXT2_ROOT_INO)
                       : static_cast<ext2_ino_t>(EXT2_GOOD_OLD_FIRST_INO + order_.size() - 1);
    order_.push_back(id);
    if (tree_.GetInode(id).type == FileType::kDirectory) directories_.push_back(id);
  }

  Status Begin(const Geometry& geometry) {
    struct ext2_super_block wanted = {};
    FillSuperblock(geometry, wanted);
    // libext2fs closes it.
    BOXLITE_ASSIGN_OR_RETURN(Fd own, DuplicateFd(fd_));
    const std::string name = std::to_string(own.Release());
    BOXLITE_EXT2(
        ext2fs_initialize(name.c_str(), EXT2_FLAG_64BITS, &wanted, unixfd_io_manager, &fs_));
    if (ext2fs_blocks_count(fs_->super) != geometry.blocks ||
        fs_->desc_blocks + fs_->super->s_reserved_gdt_blocks != kDescriptorBlocks) {
      return Error(ErrorCode::kInternal, "libext2fs chose another geometry than was asked for");
    }
    fs_->now = kEpoch;
    struct ext2_super_block& super = *fs_->super;
    super.s_mkfs_time = super.s_lastcheck = kEpoch;
    super.s_max_mnt_count = 0xffff;  // no check after so many mounts ...
    super.s_checkinterval = 0;       // ... or so much time
    std::memcpy(super.s_uuid, identity_.uuid.data(), sizeof super.s_uuid);
    std::memcpy(super.s_hash_seed, identity_.hash_seed.data(), sizeof super.s_hash_seed);
    std::memcpy(super.s_volume_name, identity_.label.data(),
                std::min(identity_.label.size(), sizeof super.s_volume_name));
    super.s_def_hash_version = EXT2_HASH_HALF_MD4;
    super.s_flags = EXT2_FLAGS_SIGNED_HASH;
    super.s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
    super.s_checksum_type = EXT2_CRC32C_CHKSUM;
    ext2fs_init_csum_seed(fs_);
    fs_->priv_data = this;
    ext2fs_set_alloc_block_callback(fs_, AllocateForLibrary, nullptr);
    return {};
  }

  // libext2fs takes a block for an extent's node or for attributes.
  static errcode_t AllocateForLibrary(ext2_filsys fs, blk64_t /*goal*/, blk64_t* block) {
    auto* self = static_cast<Writer*>(fs->priv_data);
    Result<std::uint32_t> got = self->store_.AllocateTogether(1);
    if (!got.ok() || *got >= ext2fs_blocks_count(fs->super)) return EXT2_ET_BLOCK_ALLOC_FAIL;
    *block = *got;
    return 0;
  }

  Status Mark(std::uint32_t first, std::uint32_t count) {
    if (std::uint64_t{first} + count > ext2fs_blocks_count(fs_->super) ||
        ext2fs_test_block_bitmap_range2(fs_->block_map, first, count) == 0) {
      return Error(ErrorCode::kInternal, "block " + std::to_string(first) + " was given out twice");
    }
    ext2fs_block_alloc_stats_range(fs_, first, count, +1);
    return {};
  }

  Status PlaceTables() {
    for (const InodeId id : order_) {
      for (const Extent& extent : tree_.GetInode(id).extents) {
        BOXLITE_RETURN_IF_ERROR(Mark(extent.physical, extent.count));
      }
    }
    const std::uint32_t table = fs_->inode_blocks_per_group;
    for (dgrp_t group = 0; group < fs_->group_desc_count; ++group) {
      BOXLITE_ASSIGN_OR_RETURN(const std::uint32_t bitmaps, store_.AllocateTogether(2));
      BOXLITE_ASSIGN_OR_RETURN(const std::uint32_t inodes, store_.AllocateTogether(table));
      BOXLITE_RETURN_IF_ERROR(Mark(bitmaps, 2));
      BOXLITE_RETURN_IF_ERROR(Mark(inodes, table));
      ext2fs_block_bitmap_loc_set(fs_, group, bitmaps);
      ext2fs_inode_bitmap_loc_set(fs_, group, bitmaps + 1);
      ext2fs_inode_table_loc_set(fs_, group, inodes);
      // It was never written, so it is zeros: the guest's kernel need not make it so.
      ext2fs_bg_flags_set(fs_, group, EXT2_BG_INODE_ZEROED);
    }
    for (ext2_ino_t inode = 1; inode < EXT2_GOOD_OLD_FIRST_INO; ++inode) {
      if (inode != EXT2_ROOT_INO) ext2fs_inode_alloc_stats2(fs_, inode, +1, 0);
    }
    return {};
  }

  std::uint32_t LinksOf(const Inode& inode) const {
    if (inode.type != FileType::kDirectory) return inode.links;
    std::size_t links = 2;
    for (const auto& [name, child] : inode.directory->names) {
      if (tree_.GetInode(child.inode).type == FileType::kDirectory) ++links;
    }
    return links > kMaxLinks ? 1 : static_cast<std::uint32_t>(links);
  }

  Status WriteInode(InodeId id) {
    const Inode& node = tree_.GetInode(id);
    const ext2_ino_t number = numbers_[id];
    struct ext2_inode_large inode = {};
    inode.i_extra_isize = sizeof inode - EXT2_GOOD_OLD_INODE_SIZE;
    inode.i_mode = static_cast<std::uint16_t>(TypeBits(node.type) | node.attributes.mode);
    inode.i_uid = static_cast<std::uint16_t>(node.attributes.uid);
    inode.osd2.linux2.l_i_uid_high = static_cast<std::uint16_t>(node.attributes.uid >> 16);
    inode.i_gid = static_cast<std::uint16_t>(node.attributes.gid);
    inode.osd2.linux2.l_i_gid_high = static_cast<std::uint16_t>(node.attributes.gid >> 16);
    inode.i_links_count = static_cast<std::uint16_t>(LinksOf(node));
    SetTimes(inode, node.attributes);
    ext2fs_inode_alloc_stats2(fs_, number, +1, node.type == FileType::kDirectory ? 1 : 0);
    switch (node.type) {
      case FileType::kFile:
        BOXLITE_RETURN_IF_ERROR(WriteMapped(number, inode, node.extents, node.size));
        break;
      case FileType::kDirectory:
        BOXLITE_RETURN_IF_ERROR(WriteDirectory(id, inode));
        break;
      case FileType::kSymlink:
        BOXLITE_RETURN_IF_ERROR(WriteSymlink(number, inode, node.target));
        break;
      default:
        PutDevice(node, inode);
        BOXLITE_RETURN_IF_ERROR(Put(number, inode));
    }
    return WriteXattrs(number, node.xattrs);
  }

  Status Put(ext2_ino_t number, struct ext2_inode_large& inode) {
    BOXLITE_EXT2(ext2fs_write_inode_full(fs_, number, reinterpret_cast<struct ext2_inode*>(&inode),
                                         sizeof inode));
    return {};
  }

  static void PutDevice(const Inode& node, struct ext2_inode_large& inode) {
    const std::uint32_t major = node.device_major, minor = node.device_minor;
    if (major < 256 && minor < 256) {
      inode.i_block[0] = major << 8 | minor;
    } else {
      inode.i_block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
    }
  }

  Status WriteMapped(ext2_ino_t number, struct ext2_inode_large& inode,
                     const std::vector<Extent>& extents, std::uint64_t size) {
    const std::vector<Extent> split = SplitExtents(extents);
    const bool is_inline = split.size() <= kInlineExtents;
    std::uint64_t blocks = 0;
    for (const Extent& extent : split) blocks += extent.count;
    auto* small = reinterpret_cast<struct ext2_inode*>(&inode);
    BOXLITE_EXT2(ext2fs_inode_size_set(fs_, small, size));
    BOXLITE_EXT2(ext2fs_iblk_set(fs_, small, blocks));
    inode.i_flags |= EXT4_EXTENTS_FL;
    PutInlineExtents(inode, is_inline ? split : std::vector<Extent>());
    BOXLITE_RETURN_IF_ERROR(Put(number, inode));
    return is_inline ? Status() : InsertExtents(number, split);
  }

  Status InsertExtents(ext2_ino_t number, const std::vector<Extent>& extents) {
    struct Free {
      ext2_extent_handle_t handle = nullptr;
      ~Free() {
        if (handle != nullptr) ext2fs_extent_free(handle);
      }
    } tree;
    BOXLITE_EXT2(ext2fs_extent_open2(fs_, number, nullptr, &tree.handle));
    for (const Extent& extent : extents) {
      struct ext2fs_extent one = {};
      one.e_lblk = extent.logical;
      one.e_pblk = extent.physical;
      one.e_len = extent.count;
      BOXLITE_EXT2(ext2fs_extent_insert(tree.handle, EXT2_EXTENT_INSERT_AFTER, &one));
    }
    return {};
  }

  // `count` blocks for what is in no file of a layer.
  Result<std::vector<Extent>> Take(std::uint32_t count) {
    std::vector<Extent> extents;
    for (std::uint32_t done = 0; done < count;) {
      BOXLITE_ASSIGN_OR_RETURN(Extent extent, store_.Allocate(count - done));
      extent.logical = done;
      done += extent.count;
      BOXLITE_RETURN_IF_ERROR(Mark(extent.physical, extent.count));
      extents.push_back(extent);
    }
    return extents;
  }

  Status WriteSymlink(ext2_ino_t number, struct ext2_inode_large& inode,
                      const std::string& target) {
    if (target.size() < kInlineTarget) {
      std::memcpy(inode.i_block, target.data(), target.size());
      inode.i_size = static_cast<std::uint32_t>(target.size());
      return Put(number, inode);
    }
    BOXLITE_ASSIGN_OR_RETURN(const std::vector<Extent> extents, Take(1));
    std::string block = target;
    block.resize(kBlockBytes, '\0');
    BOXLITE_EXT2(io_channel_write_blk64(fs_->io, extents[0].physical, 1, block.data()));
    return WriteMapped(number, inode, extents, target.size());
  }

  Status WriteDirectory(InodeId id, struct ext2_inode_large& inode) {
    const Directory& directory = *tree_.GetInode(id).directory;
    std::vector<DirectoryEntry> entries;
    entries.reserve(directory.names.size());
    for (const auto& [name, child] : directory.names) {
      entries.push_back({name, numbers_[child.inode], EntryType(tree_.GetInode(child.inode).type)});
    }
    const ext2_ino_t number = numbers_[id];
    BOXLITE_ASSIGN_OR_RETURN(DirectoryBlocks blocks,
                             LayOutDirectory(fs_, number, numbers_[directory.parent], entries));
    if (blocks.indexed) inode.i_flags |= EXT2_INDEX_FL;
    BOXLITE_ASSIGN_OR_RETURN(const std::vector<Extent> extents,
                             Take(static_cast<std::uint32_t>(blocks.bytes.size() / kBlockBytes)));
    BOXLITE_RETURN_IF_ERROR(WriteMapped(number, inode, extents, blocks.bytes.size()));
    // After the inode: the checksum of a block has the inode's generation in it.
    char* at = blocks.bytes.data();
    for (const Extent& extent : extents) {
      for (std::uint32_t i = 0; i < extent.count; ++i, at += kBlockBytes) {
        BOXLITE_EXT2(ext2fs_write_dir_block4(fs_, extent.physical + i, at, 0, number));
      }
    }
    return {};
  }

  Status WriteXattrs(ext2_ino_t number, const std::vector<Xattr>& xattrs) {
    if (xattrs.empty()) return {};
    struct Close {
      struct ext2_xattr_handle* handle = nullptr;
      ~Close() {
        if (handle != nullptr) ext2fs_xattrs_close(&handle);
      }
    } attributes;
    BOXLITE_EXT2(ext2fs_xattrs_open(fs_, number, &attributes.handle));
    for (const Xattr& xattr : xattrs) {
      BOXLITE_EXT2(ext2fs_xattr_set(attributes.handle, xattr.name.c_str(), xattr.value.data(),
                                    xattr.value.size()));
    }
    return {};
  }

  Result<FilesystemFacts> Finish() {
    BOXLITE_EXT2(ext2fs_create_resize_inode(fs_));
    struct ext2fs_journal_params journal = {};
    journal.num_journal_blocks = kJournalBlocks;
    BOXLITE_EXT2(ext2fs_add_journal_inode3(fs_, &journal, ~0ULL, EXT2_MKJOURNAL_LAZYINIT));
    BOXLITE_EXT2(ext2fs_set_gdt_csum(fs_));
    FilesystemFacts facts;
    const std::uint64_t blocks = ext2fs_blocks_count(fs_->super);
    facts.size_bytes = blocks * kBlockBytes;
    facts.used_bytes = (blocks - ext2fs_free_blocks_count(fs_->super)) * kBlockBytes;
    facts.inodes = order_.size();
    // The caller syncs once, at the very end.
    BOXLITE_EXT2(ext2fs_close2(fs_, EXT2_FLAG_FLUSH_NO_SYNC));
    fs_ = nullptr;
    return facts;
  }

  const ImageTree& tree_;
  BlockStore& store_;
  const int fd_;
  const FilesystemIdentity& identity_;
  ext2_filsys fs_ = nullptr;
  std::vector<ext2_ino_t> numbers_;  // by InodeId; 0: removed
  std::vector<InodeId> order_;       // ascending numbers
  std::vector<InodeId> directories_;
};

}  // namespace

Result<FilesystemFacts> WriteFilesystem(const ImageTree& tree, BlockStore& store, int fd,
                                        std::uint64_t max_blocks,
                                        const FilesystemIdentity& identity) {
  initialize_ext2_error_table();
  return Writer(tree, store, fd, identity).Write(max_blocks);
}

}  // namespace boxlite

#include "boxlite/disk/ext4_directory.h"

#include <algorithm>
#include <cstring>

#include "boxlite/disk/block_store.h"

namespace boxlite {
namespace {

constexpr std::size_t kTail = sizeof(struct ext2_dir_entry_tail);
constexpr std::size_t kListBytes = kBlockBytes - kTail;
// Leaves are not filled up: the first new name in a full one would split it. e2fsck -D leaves as
// much.
constexpr std::size_t kLeafBytes = kListBytes * 4 / 5;
constexpr std::size_t kMostEntryBytes = 8 + 256;

constexpr std::size_t kRootHeader = 24 + 8;  // "." and "..", struct ext2_dx_root_info
constexpr std::size_t kNodeHeader = 8;
// One entry's room is taken by the checksum.
constexpr std::size_t kRootLimit = (kBlockBytes - kRootHeader) / 8 - 1;
constexpr std::size_t kNodeLimit = (kBlockBytes - kNodeHeader) / 8 - 1;

std::size_t EntryBytes(std::size_t name) { return (8 + name + 3) & ~std::size_t{3}; }

void Put16(char* at, std::size_t value) {
  at[0] = static_cast<char>(value & 255);
  at[1] = static_cast<char>(value >> 8 & 255);
}
void Put32(char* at, std::uint64_t value) {
  Put16(at, value & 0xffff);
  Put16(at + 2, value >> 16 & 0xffff);
}

// Entries one behind the other in blocks; Finish() stretches the last of each over the rest.
class ListBlocks {
 public:
  explicit ListBlocks(std::string& bytes) : bytes_(bytes) {}

  void Begin() {
    Finish();
    begin_ = bytes_.size();
    bytes_.append(kBlockBytes, '\0');
    used_ = 0;
  }
  std::size_t used() const { return used_; }
  void Add(const DirectoryEntry& entry) {
    char* at = bytes_.data() + begin_ + used_;
    Put32(at, entry.inode);
    Put16(at + 4, EntryBytes(entry.name.size()));
    at[6] = static_cast<char>(entry.name.size());
    at[7] = static_cast<char>(entry.type);
    std::memcpy(at + 8, entry.name.data(), entry.name.size());
    last_ = used_;
    used_ += EntryBytes(entry.name.size());
  }
  void Finish() {
    if (begin_ == std::string::npos) return;
    Put16(bytes_.data() + begin_ + last_ + 4, kListBytes - last_);
    // An entry of its own kind, with the block's checksum.
    char* tail = bytes_.data() + begin_ + kListBytes;
    Put16(tail + 4, kTail);
    tail[7] = static_cast<char>(EXT2_DIR_NAME_LEN_CSUM >> 8);
  }

 private:
  std::string& bytes_;
  std::size_t begin_ = std::string::npos;
  std::size_t used_ = 0;
  std::size_t last_ = 0;
};

struct Hashed {
  ext2_dirhash_t hash = 0;
  ext2_dirhash_t minor = 0;
  const DirectoryEntry* entry = nullptr;
};

struct Leaf {
  ext2_dirhash_t hash = 0;  // the least in it; its lowest bit: the leaf before ends with it too
};

Result<std::vector<Hashed>> HashNames(ext2_filsys fs, const std::vector<DirectoryEntry>& entries) {
  std::vector<Hashed> hashed;
  hashed.reserve(entries.size());
  for (const DirectoryEntry& entry : entries) {
    Hashed one;
    one.entry = &entry;
    if (ext2fs_dirhash2(fs->super->s_def_hash_version, entry.name.data(),
                        static_cast<int>(entry.name.size()), nullptr, 0, fs->super->s_hash_seed,
                        &one.hash, &one.minor) != 0) {
      return Error(ErrorCode::kInternal, "libext2fs does not know the hash of directories");
    }
    hashed.push_back(one);
  }
  // Stable, and the entries are sorted by name: nothing is left to chance.
  std::stable_sort(hashed.begin(), hashed.end(), [](const Hashed& a, const Hashed& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.minor < b.minor;
  });
  return hashed;
}

std::vector<Leaf> FillLeaves(const std::vector<Hashed>& hashed, std::string& bytes) {
  std::vector<Leaf> leaves;
  ListBlocks list(bytes);
  ext2_dirhash_t last = 0;
  for (const Hashed& one : hashed) {
    if (leaves.empty() || list.used() + EntryBytes(one.entry->name.size()) > kLeafBytes) {
      const bool continued = !leaves.empty() && one.hash == last;
      leaves.push_back({one.hash | (continued ? 1U : 0U)});
      list.Begin();
    }
    list.Add(*one.entry);
    last = one.hash;
  }
  list.Finish();
  return leaves;
}

// Entries of an index block from `at` on; the first one has no hash, limit and count instead.
void PutIndex(char* at, std::size_t limit, const Leaf* leaves, std::size_t count,
              std::uint64_t first_block) {
  for (std::size_t i = 0; i < count; ++i) {
    Put32(at + 8 * i, leaves[i].hash);
    Put32(at + 8 * i + 4, first_block + i);
  }
  Put16(at, limit);
  Put16(at + 2, count);
}

void PutRoot(char* block, ext2_ino_t self, ext2_ino_t parent, std::uint8_t hash_version,
             bool two_levels) {
  Put32(block, self);
  Put16(block + 4, 12);
  block[6] = 1;
  block[7] = EXT2_FT_DIR;
  block[8] = '.';
  Put32(block + 12, parent);
  Put16(block + 16, kBlockBytes - 12);
  block[18] = 2;
  block[19] = EXT2_FT_DIR;
  block[20] = block[21] = '.';
  block[28] = static_cast<char>(hash_version);
  block[29] = 8;  // bytes of this information
  block[30] = two_levels ? 1 : 0;
}

}  // namespace

std::uint64_t MostDirectoryBlocks(std::uint64_t names, std::uint64_t name_bytes) {
  const std::uint64_t bytes = name_bytes + names * (8 + 3) + 24;
  const std::uint64_t leaves = bytes / (kLeafBytes - kMostEntryBytes) + 1;
  return leaves + leaves / kNodeLimit + 3;
}

Result<DirectoryBlocks> LayOutDirectory(ext2_filsys fs, ext2_ino_t self, ext2_ino_t parent,
                                        std::vector<DirectoryEntry>& entries) {
  DirectoryBlocks blocks;
  std::size_t bytes = EntryBytes(1) + EntryBytes(2);
  for (const DirectoryEntry& entry : entries) bytes += EntryBytes(entry.name.size());
  if (bytes <= kListBytes) {
    ListBlocks list(blocks.bytes);
    list.Begin();
    list.Add({".", self, EXT2_FT_DIR});
    list.Add({"..", parent, EXT2_FT_DIR});
    for (const DirectoryEntry& entry : entries) list.Add(entry);
    list.Finish();
    return blocks;
  }
  blocks.indexed = true;
  BOXLITE_ASSIGN_OR_RETURN(const std::vector<Hashed> hashed, HashNames(fs, entries));
  std::string leaf_bytes;
  const std::vector<Leaf> leaves = FillLeaves(hashed, leaf_bytes);
  const std::size_t nodes =
      leaves.size() <= kRootLimit ? 0 : (leaves.size() + kNodeLimit - 1) / kNodeLimit;
  if (nodes > kRootLimit) {
    return Error(ErrorCode::kUnsupported, "a directory has more names than ext4 can index");
  }
  blocks.bytes.assign((1 + nodes) * kBlockBytes, '\0');
  char* root = blocks.bytes.data();
  PutRoot(root, self, parent, fs->super->s_def_hash_version, nodes > 0);
  std::vector<Leaf> above;
  for (std::size_t node = 0; node < nodes; ++node) {
    const std::size_t first = node * kNodeLimit;
    char* block = root + (1 + node) * kBlockBytes;
    Put16(block + 4, kBlockBytes);
    PutIndex(block + kNodeHeader, kNodeLimit, &leaves[first],
             std::min(kNodeLimit, leaves.size() - first), 1 + nodes + first);
    above.push_back(leaves[first]);
  }
  const std::vector<Leaf>& top = nodes > 0 ? above : leaves;
  PutIndex(root + kRootHeader, kRootLimit, top.data(), top.size(), 1);
  blocks.bytes += leaf_bytes;
  return blocks;
}

}  // namespace boxlite

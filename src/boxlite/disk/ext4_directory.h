// The blocks of an ext4 directory: a list while it fits into one block, an index by hash (htree)
// when it does not. libext2fs can only add names one by one, each after a search through all.
#pragma once

#include <ext2fs/ext2fs.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

struct DirectoryEntry {
  std::string_view name;
  ext2_ino_t inode = 0;
  std::uint8_t type = 0;  // EXT2_FT_*
};

struct DirectoryBlocks {
  std::string bytes;  // whole blocks, without their checksums
  bool indexed = false;
};

// No fewer blocks than LayOutDirectory() makes of names with `name_bytes` bytes in sum.
std::uint64_t MostDirectoryBlocks(std::uint64_t names, std::uint64_t name_bytes);

// "." and ".." are added. `entries` are sorted and may be reordered. The order of names in the
// result, and all of it, follows from the filesystem's hash seed and the names alone.
Result<DirectoryBlocks> LayOutDirectory(ext2_filsys fs, ext2_ino_t self, ext2_ino_t parent,
                                        std::vector<DirectoryEntry>& entries);

}  // namespace boxlite

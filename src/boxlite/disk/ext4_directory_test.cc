#include "boxlite/disk/ext4_directory.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "boxlite/base/testing.h"
#include "boxlite/disk/block_store.h"

namespace boxlite {
namespace {

class Ext4Directory : public testing::Test {
 protected:
  Ext4Directory() {
    super_.s_def_hash_version = EXT2_HASH_HALF_MD4;
    super_.s_hash_seed[0] = 0x12345678;
    fs_.super = &super_;
  }

  std::uint32_t Number(std::size_t at, std::size_t size) const {
    std::uint32_t number = 0;
    for (std::size_t i = size; i-- > 0;) {
      number = number << 8 | static_cast<unsigned char>(blocks_.bytes[at + i]);
    }
    return number;
  }
  std::uint32_t Hash(const std::string& name) const {
    ext2_dirhash_t hash = 0, minor = 0;
    EXPECT_EQ(ext2fs_dirhash2(EXT2_HASH_HALF_MD4, name.data(), static_cast<int>(name.size()),
                              nullptr, 0, super_.s_hash_seed, &hash, &minor),
              0);
    return hash;
  }
  // The position of the last entry of the index at `at` whose hash is not above `hash`.
  std::size_t Seek(std::size_t at, std::uint32_t hash) const {
    const std::uint32_t count = Number(at + 2, 2);
    std::size_t found = at;
    for (std::uint32_t i = 1; i < count; ++i) {
      if (Number(at + 8 * i, 4) <= hash) found = at + 8 * i;
    }
    return found;
  }
  bool LeafHas(std::uint32_t block, const std::string& name, std::uint32_t* inode) const {
    for (std::size_t at = block * kBlockBytes; at < (block + 1) * kBlockBytes;
         at += Number(at + 4, 2)) {
      if (Number(at + 6, 1) == name.size() &&
          blocks_.bytes.compare(at + 8, name.size(), name) == 0) {
        *inode = Number(at, 4);
        return true;
      }
    }
    return false;
  }
  // As the kernel looks: down the index, then on while the next leaf says that it goes on.
  std::uint32_t Lookup(const std::string& name) {
    const std::uint32_t hash = Hash(name);
    std::size_t index = 32;
    std::size_t entry = Seek(index, hash);
    if (Number(30, 1) == 1) {
      index = Number(entry + 4, 4) * kBlockBytes + 8;
      entry = Seek(index, hash);
    }
    std::uint32_t inode = 0;
    for (;;) {
      if (LeafHas(Number(entry + 4, 4), name, &inode)) return inode;
      entry += 8;
      if (entry >= index + 8 * Number(index + 2, 2)) return 0;
      const std::uint32_t next = Number(entry, 4);
      if ((next & 1) == 0 || (next & ~1U) != hash) return 0;
      ++continued_;
    }
  }
  void LayOut(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    std::vector<DirectoryEntry> entries;
    entries.reserve(names.size());
    std::uint32_t inode = 100;
    for (const std::string& name : names) entries.push_back({name, inode++, EXT2_FT_REG_FILE});
    Result<DirectoryBlocks> made = LayOutDirectory(&fs_, 50, 2, entries);
    ASSERT_THAT(made, IsOk());
    blocks_ = std::move(*made);
    std::size_t bytes = 0;
    for (const std::string& name : names) bytes += name.size();
    EXPECT_LE(blocks_.bytes.size() / kBlockBytes, MostDirectoryBlocks(names.size(), bytes));
  }
  void ExpectAllFound(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    std::uint32_t inode = 100;
    for (const std::string& name : names) ASSERT_EQ(Lookup(name), inode++) << name;
    EXPECT_EQ(Lookup("missing"), 0U);
  }

  struct ext2_super_block super_ = {};
  struct struct_ext2_filsys fs_ = {};
  DirectoryBlocks blocks_;
  int continued_ = 0;
};

TEST_F(Ext4Directory, IsAListWhileItFitsIntoABlock) {
  LayOut({"b", "a"});
  EXPECT_FALSE(blocks_.indexed);
  EXPECT_EQ(blocks_.bytes.size(), kBlockBytes);
  std::uint32_t inode = 0;
  EXPECT_TRUE(LeafHas(0, "a", &inode) && inode == 100);
  EXPECT_TRUE(LeafHas(0, ".", &inode) && inode == 50);
  EXPECT_TRUE(LeafHas(0, "..", &inode) && inode == 2);
}

TEST_F(Ext4Directory, FindsEveryOneOfManyNames) {
  std::vector<std::string> names;
  names.reserve(20'000);
  for (int i = 0; i < 20'000; ++i) names.push_back("name-" + std::to_string(i));
  LayOut(names);
  EXPECT_TRUE(blocks_.indexed);
  EXPECT_EQ(Number(30, 1), 0U);
  ExpectAllFound(names);
}

TEST_F(Ext4Directory, FindsEveryNameThroughTwoLevels) {
  std::vector<std::string> names;
  names.reserve(9'000);
  for (int i = 0; i < 9'000; ++i) names.push_back(std::to_string(i) + std::string(245, 'n'));
  LayOut(names);
  EXPECT_EQ(Number(30, 1), 1U);
  ExpectAllFound(names);
}

// Names of one hash may end up in two leaves; the index then says that the second goes on.
TEST_F(Ext4Directory, FindsNamesWithTheSameHashOnBothSidesOfALeafsEnd) {
  std::map<std::uint32_t, std::string> seen;
  std::vector<std::string> names;
  for (int i = 0; i < 250'000; ++i) {
    const std::string name = std::to_string(i) + std::string(200, 'n');
    const auto [at, fresh] = seen.emplace(Hash(name), name);
    if (fresh) continue;
    names.push_back(at->second);
    names.push_back(name);
  }
  // An odd one in front moves every pair by one place.
  for (const char* front : {"", "f"}) {
    std::vector<std::string> some = names;
    if (*front != '\0') some.push_back(front);
    LayOut(some);
    ExpectAllFound(some);
  }
  EXPECT_GT(continued_, 0);
}

}  // namespace
}  // namespace boxlite

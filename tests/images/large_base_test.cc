// What takes a base of hundreds of megabytes to see.
#include <gtest/gtest.h>

#include "boxlite/disk/testing.h"

namespace boxlite {
namespace {

using LargeBase = BaseTest;
// Enough for several groups, superblock copies in between, and more inodes than the usual ratio.
TEST_F(LargeBase, SpansGroups) {
  TarLayer layer;
  const std::string piece(1 << 20, 'p');
  for (int i = 0; i < 140; ++i) layer.File("big-" + std::to_string(i), piece);
  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found.size(), 141U);
  for (const auto& [name, entry] : found) {
    if (name.empty()) continue;
    ASSERT_TRUE(entry.content == piece) << name;
  }
}

TEST_F(LargeBase, MakesRoomForManyInodes) {
  TarLayer layer;
  for (int i = 0; i < 40'000; ++i)
    layer.Directory(std::to_string(i % 200) + "/" + std::to_string(i));
  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found.size(), 40'201U);
  EXPECT_EQ(found[""].links, 202U);
}

TEST_F(LargeBase, CountsSubdirectoriesUpToWhereExt4StopsCounting) {
  TarLayer layer;
  for (int i = 0; i < 65'010; ++i) layer.Directory("d/" + std::to_string(i));
  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found["d"].links, 1U);
}

}  // namespace
}  // namespace boxlite

#include "boxlite/disk/image_tree.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

Inode File(std::uint64_t size = 0) {
  Inode inode;
  inode.size = size;
  return inode;
}

Inode Link(const std::string& target) {
  Inode inode;
  inode.type = FileType::kSymlink;
  inode.target = target;
  return inode;
}

class ImageTreeTest : public testing::Test {
 protected:
  ImageTreeTest() { tree_.BeginLayer(); }

  void Put(const std::string& path, std::uint64_t size = 0) {
    ASSERT_THAT(tree_.PutInode(path, File(size)), IsOk()) << path;
  }
  void Mkdir(const std::string& path, std::uint32_t mode = 0700) {
    Attributes attributes;
    attributes.mode = mode;
    ASSERT_THAT(tree_.PutDirectory(path, attributes, {}), IsOk()) << path;
  }
  void Symlink(const std::string& path, const std::string& target) {
    ASSERT_THAT(tree_.PutInode(path, Link(target)), IsOk()) << path;
  }
  void Whiteout(const std::string& path) { ASSERT_THAT(tree_.ApplyWhiteout(path), IsOk()) << path; }
  // Every path, directories with a '/' at the end.
  std::string Paths() const {
    std::string text;
    List(kRootInode, "", text);
    return text;
  }
  void List(InodeId id, const std::string& at, std::string& text) const {
    for (const auto& [name, child] : tree_.GetInode(id).directory->names) {
      const bool directory = tree_.GetInode(child.inode).type == FileType::kDirectory;
      text += (text.empty() ? "" : " ") + at + name + (directory ? "/" : "");
      if (directory) List(child.inode, at + name + "/", text);
    }
  }

  ImageTree tree_{std::uint64_t{1} << 30};
};

TEST_F(ImageTreeTest, MakesParentsThatNobodyNamed) {
  Put("a/b/f");
  EXPECT_EQ(Paths(), "a/ a/b/ a/b/f");
  const InodeId a = tree_.GetInode(kRootInode).directory->names.find("a")->second.inode;
  EXPECT_EQ(tree_.GetInode(a).attributes.mode, 0755U);
  Mkdir("a", 0711);
  EXPECT_EQ(tree_.GetInode(a).attributes.mode, 0711U);
  EXPECT_EQ(Paths(), "a/ a/b/ a/b/f");
}

TEST_F(ImageTreeTest, KeepsEveryPathInside) {
  Put("../../x");
  Put("/y");
  Put("./a//./b/../z/");
  Symlink("up", "../../..");
  Put("up/w");
  Symlink("absolute", "/a");
  Put("absolute/v");
  EXPECT_EQ(Paths(), "a/ a/v a/z absolute up w x y");
}

TEST_F(ImageTreeTest, FollowsLinksAmongParentsAndMakesWhatTheyMiss) {
  Symlink("lib", "usr/lib");
  Put("lib/deep/f");
  Symlink("usr/lib/here", "../share/./there");
  Put("lib/here/g");
  EXPECT_EQ(Paths(),
            "lib usr/ usr/lib/ usr/lib/deep/ usr/lib/deep/f usr/lib/here usr/share/ "
            "usr/share/there/ usr/share/there/g");
}

TEST_F(ImageTreeTest, ReplacesALinkInsteadOfFollowingIt) {
  Mkdir("d");
  Symlink("l", "d");
  Put("l");
  Symlink("m", "d");
  Mkdir("m");
  Put("m/f");
  EXPECT_EQ(Paths(), "d/ l m/ m/f");
}

TEST_F(ImageTreeTest, RefusesParentsThatLeadInACircle) {
  Symlink("a", "b");
  Symlink("b", "a");
  EXPECT_THAT(tree_.PutInode("a/f", File()), HasCode(ErrorCode::kCorrupt));
  Symlink("self", "self/self");
  EXPECT_THAT(tree_.PutInode("self/f", File()), HasCode(ErrorCode::kCorrupt));
}

TEST_F(ImageTreeTest, RefusesAFileAsParent) {
  Put("f");
  EXPECT_THAT(tree_.PutInode("f/g", File()), HasCode(ErrorCode::kCorrupt));
  Symlink("l", "f");
  EXPECT_THAT(tree_.PutInode("l/g", File()), HasCode(ErrorCode::kCorrupt));
}

TEST_F(ImageTreeTest, RefusesNamesAndPathsThatAreTooLong) {
  Put(std::string(255, 'n'));
  EXPECT_THAT(tree_.PutInode(std::string(256, 'n'), File()), HasCode(ErrorCode::kCorrupt));
  std::string deep;
  while (deep.size() < 4094) deep += "d/";
  Put(deep + "ff");
  EXPECT_THAT(tree_.PutInode(deep + "fff", File()), HasCode(ErrorCode::kCorrupt));
}

TEST_F(ImageTreeTest, RefusesAnyOtherTypeForTheRoot) {
  EXPECT_THAT(tree_.PutInode("/", File()), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(tree_.PutInode("a/..", Link("/etc")), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(tree_.PutHardLink(".", "x"), HasCode(ErrorCode::kCorrupt));
  Mkdir("", 0750);
  EXPECT_EQ(tree_.GetInode(kRootInode).attributes.mode, 0750U);
}

TEST_F(ImageTreeTest, ReplacesFilesByDirectoriesAndDirectoriesByFiles) {
  Put("a");
  Put("d/f");
  tree_.BeginLayer();
  Mkdir("a");
  Put("d");
  EXPECT_EQ(Paths(), "a/ d");
  Put("a/x");
  EXPECT_EQ(Paths(), "a/ a/x d");
}

TEST_F(ImageTreeTest, RemovesWhatAWhiteoutNames) {
  Put("d/f");
  Put("d/g");
  Put("e/f");
  tree_.BeginLayer();
  Whiteout("d/.wh.f");
  Whiteout(".wh.e");
  Whiteout(".wh.missing");
  Whiteout("missing/.wh.f");
  Whiteout("d/g/.wh.f");
  EXPECT_EQ(Paths(), "d/ d/g");
}

TEST_F(ImageTreeTest, KeepsWhatTheSameLayerMadeWhicheverCameFirst) {
  Put("d/old");
  Put("d/sub/old");
  Put("f", 1);
  tree_.BeginLayer();
  Put("f", 2);
  Whiteout(".wh.f");
  Put("d/sub/new");
  Whiteout(".wh.d");
  EXPECT_EQ(Paths(), "d/ d/sub/ d/sub/new f");
}

TEST_F(ImageTreeTest, EmptiesAnOpaqueDirectoryOfLowerLayers) {
  Put("d/old");
  Put("d/sub/old");
  tree_.BeginLayer();
  Put("d/sub/new");
  Whiteout("d/.wh..wh..opq");
  Put("d/late");
  EXPECT_EQ(Paths(), "d/ d/late d/sub/ d/sub/new");
  tree_.BeginLayer();
  Whiteout(".wh..wh..opq");
  EXPECT_EQ(Paths(), "");
  Whiteout("gone/.wh..wh..opq");
}

TEST_F(ImageTreeTest, RefusesAWhiteoutOfNothing) {
  Put("d/f");
  tree_.BeginLayer();
  for (const char* path : {".wh.", "d/.wh.", "d/.wh..", "d/.wh..."}) {
    EXPECT_THAT(tree_.ApplyWhiteout(path), HasCode(ErrorCode::kCorrupt)) << path;
  }
  EXPECT_EQ(Paths(), "d/ d/f");
}

TEST_F(ImageTreeTest, LinksAcrossLayersAndKeepsAReplacedFilesOtherNames) {
  Put("a", 5);
  tree_.BeginLayer();
  ASSERT_THAT(tree_.PutHardLink("d/b", "/a"), IsOk());
  tree_.BeginLayer();
  Put("a", 6);
  Result<InodeId> other = tree_.PutInode("c", File());
  ASSERT_THAT(other, IsOk());
  const auto& d = tree_.GetInode(kRootInode).directory->names.find("d")->second;
  const InodeId b = tree_.GetInode(d.inode).directory->names.find("b")->second.inode;
  EXPECT_EQ(tree_.GetInode(b).size, 5U);
  EXPECT_EQ(tree_.GetInode(b).links, 1U);
}

TEST_F(ImageTreeTest, RefusesLinksToWhatIsNoFile) {
  Mkdir("d");
  Put("d/f");
  EXPECT_THAT(tree_.PutHardLink("l", "missing"), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(tree_.PutHardLink("l", "d"), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(tree_.PutHardLink("l", ""), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(tree_.PutHardLink("d/f", "d/f"), HasCode(ErrorCode::kCorrupt));
  Put("d/f");
  EXPECT_THAT(tree_.PutHardLink("d", "d/f"), HasCode(ErrorCode::kCorrupt));
}

TEST_F(ImageTreeTest, LinksToASymbolicLinkItself) {
  Symlink("l", "/outside");
  ASSERT_THAT(tree_.PutHardLink("m", "l"), IsOk());
  EXPECT_EQ(tree_.GetInode(1).links, 2U);
}

TEST_F(ImageTreeTest, GivesBackTheBlocksOfWhatIsRemoved) {
  Result<InodeId> id = tree_.PutInode("d/f", File(1));
  ASSERT_THAT(id, IsOk());
  tree_.GetInode(*id).extents.push_back({0, 500, 7});
  ASSERT_THAT(tree_.PutHardLink("l", "d/f"), IsOk());
  tree_.BeginLayer();
  Whiteout(".wh.d");
  EXPECT_TRUE(tree_.TakeFreed().empty());
  Whiteout(".wh.l");
  const std::vector<Extent> freed = tree_.TakeFreed();
  ASSERT_EQ(freed.size(), 1U);
  EXPECT_EQ(freed[0].physical, 500U);
  EXPECT_EQ(freed[0].count, 7U);
}

// One path may add 2,048 directories below another's end: no stack may hold a frame for each.
TEST_F(ImageTreeTest, RemovesATreeThatIsDeeperThanAnyStack) {
  std::string deep;
  while (deep.size() < 4000) deep += "d/";
  Symlink("s0", "t");
  Mkdir("t/" + deep);
  for (int i = 0; i < 100; ++i) {
    const std::string from = "s" + std::to_string(i) + "/";
    Symlink("s" + std::to_string(i + 1), from + deep);
    Mkdir("s" + std::to_string(i + 1) + "/" + deep);
  }
  tree_.BeginLayer();
  Whiteout(".wh.t");
  const auto& names = tree_.GetInode(kRootInode).directory->names;
  EXPECT_TRUE(names.find("t") == names.end());
}

TEST_F(ImageTreeTest, HoldsItsMemoryBelowTheLimit) {
  ImageTree small(100'000);
  small.BeginLayer();
  Status outcome;
  int made = 0;
  for (; made < 10'000 && outcome.ok(); ++made) {
    Result<InodeId> id = small.PutInode("f" + std::to_string(made), File());
    if (!id.ok()) outcome = std::move(id).error();
  }
  EXPECT_THAT(outcome, HasCode(ErrorCode::kResourceExhausted));
  EXPECT_LT(made, 1000);
}

}  // namespace
}  // namespace boxlite

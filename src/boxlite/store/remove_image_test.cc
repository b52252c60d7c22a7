#include "boxlite/store/remove_image.h"

#include "boxlite/store/testing.h"

namespace boxlite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ImageRemoverTest : public ::testing::Test {
 protected:
  StoreFixture home_;
  ImageStore& store_ = home_.store();
  ImageUsers users_;
  ImageRemover remover_{store_, home_.fd(), [this] { return users_; }};
  const std::string digest_ = home_.AddImage('a');
};

TEST_F(ImageRemoverTest, TakesTheImageWithItsLastName) {
  home_.Tag("a", digest_);
  home_.Tag("b", digest_);
  Result<RemovedImage> removed = remover_.Remove("a", false);
  ASSERT_THAT(removed, IsOk());
  EXPECT_THAT(removed->untagged, ElementsAre("docker.io/library/a:latest"));
  EXPECT_EQ(removed->deleted, "");
  EXPECT_TRUE(store_.Has(digest_));
  removed = remover_.Remove("b", false);
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->deleted, digest_);
  EXPECT_GT(removed->reclaimed_bytes, 0u);
  EXPECT_THAT(*ListDirectory(store_.images_fd()), IsEmpty());
  EXPECT_THAT(*ListDirectory(OpenDirectory(home_.fd(), ".trash")->get()), IsEmpty());
  EXPECT_THAT(remover_.Remove("b", false), HasCode(ErrorCode::kNotFound));
}

TEST_F(ImageRemoverTest, LeavesWhatABoxNeedsWithOrWithoutForce) {
  home_.Tag("a", digest_);
  users_.boxes_by_digest[digest_] = {"box1"};
  Result<RemovedImage> refused = remover_.Remove("a", false);
  ASSERT_THAT(refused, HasCode(ErrorCode::kConflict));
  EXPECT_THAT(refused.error().message(), HasSubstr("box1"));
  EXPECT_EQ(store_.Tags()->size(), 1u);
  Result<RemovedImage> forced = remover_.Remove("a", true);
  ASSERT_THAT(forced, IsOk());
  EXPECT_EQ(forced->untagged.size(), 1u);
  EXPECT_EQ(forced->deleted, "");
  EXPECT_TRUE(store_.Has(digest_));
  Result<RemovedImage> pruned = remover_.RemoveUnused(digest_);
  ASSERT_THAT(pruned, IsOk());
  EXPECT_EQ(pruned->deleted, "");
}

TEST_F(ImageRemoverTest, RemovesNothingWhileABoxCannotBeRead) {
  home_.Tag("a", digest_);
  users_.unreadable = {"box2"};
  EXPECT_THAT(remover_.Remove("a", false), HasCode(ErrorCode::kConflict));
  EXPECT_EQ(remover_.RemoveUnused(digest_)->deleted, "");
  EXPECT_TRUE(store_.Has(digest_));
}

TEST_F(ImageRemoverTest, ByDigestTakesAllNamesOfOneRepositoryOrWantsForce) {
  home_.Tag("a:1", digest_);
  home_.Tag("a:2", digest_);
  home_.Tag("b", digest_);
  EXPECT_THAT(remover_.Remove(digest_, false), HasCode(ErrorCode::kConflict));
  ASSERT_THAT(remover_.Remove("b", false), IsOk());
  Result<RemovedImage> removed = remover_.Remove("aaaaaa", false);
  ASSERT_THAT(removed, IsOk());
  EXPECT_EQ(removed->untagged.size(), 2u);
  EXPECT_EQ(removed->deleted, digest_);
}

TEST_F(ImageRemoverTest, FreesANameWhoseImageIsGone) {
  home_.Tag("a", digest_);
  ASSERT_THAT(RemoveTree(store_.images_fd(), ImageDirectoryName(digest_)), IsOk());
  Result<RemovedImage> removed = remover_.Remove("a", false);
  ASSERT_THAT(removed, IsOk());
  EXPECT_THAT(*store_.Tags(), IsEmpty());
}

}  // namespace
}  // namespace boxlite

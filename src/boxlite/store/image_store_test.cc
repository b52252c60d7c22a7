#include "boxlite/store/image_store.h"

#include "boxlite/base/testing.h"
#include "boxlite/store/testing.h"

namespace boxlite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ImageStoreTest : public ::testing::Test {
 protected:
  StoreFixture home_;
  ImageStore& store_ = home_.store();

  std::string Found(const std::string& words) {
    Result<std::optional<ImageStore::Found>> found = store_.Find(words);
    if (!found.ok()) return found.error().message();
    return found->has_value() ? (*found)->digest : "";
  }
};

TEST_F(ImageStoreTest, FindsAnImageByEachOfItsNames) {
  const std::string digest = home_.AddImage('a');
  home_.Tag("debian:12", digest);
  home_.Tag("localhost:5000/other", digest);
  EXPECT_EQ(Found("debian:12"), digest);
  EXPECT_EQ(Found("docker.io/library/debian:12"), digest);
  EXPECT_EQ(Found("localhost:5000/other:latest"), digest);
  EXPECT_EQ(Found("debian"), "");
  EXPECT_EQ(Found("other"), "");
  EXPECT_EQ(store_.List()->size(), 1u);
}

TEST_F(ImageStoreTest, FindsAnImageByItsDigestAndTheBeginningOfOne) {
  const std::string digest = home_.AddImage('a');
  EXPECT_EQ(Found(digest), digest);
  EXPECT_EQ(Found("aaaa"), digest);
  EXPECT_EQ(Found("sha256:aaaaaa"), digest);
  EXPECT_EQ(Found("aaa"), "");
  home_.AddImage('a', 'b');
  EXPECT_THAT(store_.Find("aaaa"), HasCode(ErrorCode::kInvalidArgument));
}

TEST_F(ImageStoreTest, FindsAnImageByTheDigestThatItsRegistryGaveIt) {
  const std::string digest = home_.AddImage('a');
  const std::string manifest = "sha256:" + std::string(64, 'e');
  ImageTag tag{"docker.io/library/debian:12", digest, *Digest::Parse(manifest)};
  ASSERT_THAT(store_.Tag(tag), IsOk());
  EXPECT_EQ(Found("debian@" + manifest), digest);
  EXPECT_EQ(Found("alpine@" + manifest), "");
}

TEST_F(ImageStoreTest, ANameWithoutRegistryMeansWhatItMeantWhenItWasPulled) {
  const std::string hubs = home_.AddImage('a');
  const std::string ours = home_.AddImage('b');
  home_.Tag("debian:12", hubs);
  ASSERT_THAT(store_.Tag({"our.example/debian:12", ours, std::nullopt, /*searched=*/true}), IsOk());
  EXPECT_EQ(Found("debian:12"), ours);
  EXPECT_EQ(Found("docker.io/library/debian:12"), hubs);
}

TEST_F(ImageStoreTest, ATagMovesAndGoesByOneRename) {
  const std::string first = home_.AddImage('a');
  const std::string second = home_.AddImage('b');
  home_.Tag("x", first);
  home_.Tag("x", second);
  EXPECT_EQ(Found("x"), second);
  EXPECT_EQ(store_.Tags()->size(), 1u);
  ASSERT_THAT(store_.Untag("docker.io/library/x:latest"), IsOk());
  EXPECT_EQ(Found("x"), "");
  EXPECT_THAT(store_.Untag("docker.io/library/x:latest"), IsOk());
}

TEST_F(ImageStoreTest, NamesNothingThatIsNotThere) {
  const ImageTag tag{"docker.io/library/x:latest", "sha256:" + std::string(64, 'd'), std::nullopt};
  EXPECT_THAT(store_.Tag(tag), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(*store_.Tags(), IsEmpty());
}

TEST_F(ImageStoreTest, TwoNamesThatShareALongEndAreTwo) {
  const std::string digest = home_.AddImage('a');
  const std::string path(200, 'p');
  home_.Tag("one.example/" + path + ":" + std::string(100, 't'), digest);
  home_.Tag("two.example/" + path + ":" + std::string(100, 't'), digest);
  EXPECT_EQ(store_.Tags()->size(), 2u);
}

TEST_F(ImageStoreTest, WhatIsNotOursIsToldAndLeftAlone) {
  home_.AddImage('a');
  const std::string root = home_.path();
  ASSERT_THAT(WriteFileAtomically(store_.images_fd(), "notes.txt", "x", Durability::kVolatile),
              IsOk());
  ASSERT_THAT(WriteFileAtomically(AT_FDCWD, root + "/tags/odd", "{", Durability::kVolatile),
              IsOk());
  EXPECT_THAT(*store_.Strangers(), ElementsAre("images/notes.txt", "tags/odd"));
  EXPECT_EQ(store_.List()->size(), 1u);
  EXPECT_THAT(*store_.Tags(), IsEmpty());
}

TEST_F(ImageStoreTest, ADamagedImageIsListedAsSuch) {
  const std::string digest = home_.AddImage('a');
  ASSERT_THAT(
      WriteFileAtomically(store_.OpenImage(digest)->get(), kImageFile, "{", Durability::kVolatile),
      IsOk());
  Result<std::vector<ImageStore::Entry>> entries = store_.List();
  ASSERT_THAT(entries, IsOk());
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().digest, digest);
  EXPECT_THAT(entries->front().image, HasCode(ErrorCode::kCorrupt));
}

TEST_F(ImageStoreTest, OfAHomeWithoutImagesIsEmpty) {
  TestDirectory empty;
  Result<ImageStore> store = ImageStore::Open(empty.fd());
  ASSERT_THAT(store, IsOk());
  EXPECT_THAT(*store->List(), IsEmpty());
  EXPECT_THAT(*store->Tags(), IsEmpty());
  EXPECT_FALSE((*store->Find("debian")).has_value());
  EXPECT_FALSE((*store->Find("abcd")).has_value());
  EXPECT_THAT(*ListDirectory(empty.fd()), IsEmpty());
}

TEST_F(ImageStoreTest, HoldersShareAnImageAndKeepItsRemoverOut) {
  const std::string digest = home_.AddImage('a');
  Result<OfdLock> one = store_.Hold(digest);
  ASSERT_THAT(one, IsOk());
  EXPECT_THAT(store_.Hold(digest), IsOk());
  EXPECT_THAT(OfdLock::TryAcquire(store_.OpenImage(digest)->get(), kUseLock),
              HasCode(ErrorCode::kConflict));
}

}  // namespace
}  // namespace boxlite

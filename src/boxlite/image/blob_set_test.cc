#include "boxlite/image/blob_set.h"

#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/image/testing.h"

namespace boxlite {
namespace {

constexpr std::size_t kLimit = 1 << 20;

class ArchiveTest : public ::testing::Test {
 protected:
  TestDirectory directory_;
  Result<std::unique_ptr<BlobSet>> Open(const std::string& bytes) {
    return OpenArchive(FileOf(directory_, bytes));
  }
};

TEST_F(ArchiveTest, GivesEachFileByItsName) {
  const std::string large(100'000, 'x');
  auto blobs = Open(TarOf({TarFile("./a", "one"), TarFile("b//c/", ""), TarFile("b/c", large),
                           TarFile(std::string(150, 'n') + "/d", "long")}));
  ASSERT_THAT(blobs, IsOk());
  EXPECT_EQ(*(*blobs)->ReadSmall("a", kLimit), "one");
  EXPECT_EQ(*(*blobs)->ReadSmall("b/c", kLimit), large);
  EXPECT_EQ(*(*blobs)->ReadSmall(std::string(150, 'n') + "/d", kLimit), "long");
  EXPECT_THAT((*blobs)->ReadSmall("d", kLimit), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT((*blobs)->ReadSmall("b/c", 10), HasCode(ErrorCode::kCorrupt));
}

TEST_F(ArchiveTest, FollowsLinksInsideItselfOnly) {
  auto blobs = Open(TarOf({TarFile("a/layer.tar", "layer"),
                           TarLink(TarEntry::Kind::kSymlink, "b/layer.tar", "../a/layer.tar"),
                           TarLink(TarEntry::Kind::kHardLink, "h", "a/layer.tar"),
                           TarLink(TarEntry::Kind::kSymlink, "out", "../../etc/passwd"),
                           TarLink(TarEntry::Kind::kSymlink, "abs", "/etc/passwd"),
                           TarLink(TarEntry::Kind::kSymlink, "one", "two"),
                           TarLink(TarEntry::Kind::kSymlink, "two", "one")}));
  ASSERT_THAT(blobs, IsOk());
  EXPECT_EQ(*(*blobs)->ReadSmall("b/layer.tar", kLimit), "layer");
  EXPECT_EQ(*(*blobs)->ReadSmall("h", kLimit), "layer");
  for (const char* name : {"out", "abs", "one"}) {
    EXPECT_THAT((*blobs)->ReadSmall(name, kLimit), HasCode(ErrorCode::kNotFound)) << name;
  }
}

TEST_F(ArchiveTest, ThatIsCutOrNoneIsCorrupt) {
  const std::string whole = TarOf({TarFile("a", std::string(5000, 'x'))});
  for (const std::size_t size : {1u, 511u, 512u, 1000u, 5000u}) {
    EXPECT_THAT(Open(whole.substr(0, size)), HasCode(ErrorCode::kCorrupt)) << size;
  }
  EXPECT_THAT(Open(""), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(Open(std::string(2048, 'j')), HasCode(ErrorCode::kCorrupt));
}

TEST_F(ArchiveTest, WhoseFileClaimsAnAbsurdSizeIsCorruptAtOnce) {
  TarEntry entry;
  entry.name = "a";
  entry.size = std::uint64_t{1} << 60;
  EXPECT_THAT(Open(EncodeTarHeader(entry) + "x"), HasCode(ErrorCode::kCorrupt));
}

class LayoutTest : public ::testing::Test {
 protected:
  TestDirectory directory_;
  std::unique_ptr<BlobSet> blobs_ = *OpenLayoutDirectory(*DuplicateFd(directory_.fd()));
};

TEST_F(LayoutTest, ReadsFilesBelowItsDirectoryOnly) {
  ASSERT_THAT(EnsureDirectory(directory_.fd(), "d"), IsOk());
  ASSERT_THAT(WriteFileAtomically(directory_.fd(), "a", "one", Durability::kVolatile), IsOk());
  ASSERT_EQ(::symlinkat("../a", directory_.fd(), "d/inside"), 0);
  ASSERT_EQ(::symlinkat("/etc/passwd", directory_.fd(), "absolute"), 0);
  ASSERT_EQ(::symlinkat("../../../../etc/passwd", directory_.fd(), "above"), 0);
  ASSERT_EQ(::mkfifoat(directory_.fd(), "fifo", 0600), 0);
  EXPECT_EQ(*blobs_->ReadSmall("a", kLimit), "one");
  EXPECT_EQ(*blobs_->ReadSmall("d/inside", kLimit), "one");
  for (const char* name : {"absolute", "above", "../etc", "fifo", "d"}) {
    EXPECT_FALSE(blobs_->ReadSmall(name, kLimit).ok()) << name;
  }
  EXPECT_THAT(blobs_->ReadSmall("none", kLimit), HasCode(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace boxlite

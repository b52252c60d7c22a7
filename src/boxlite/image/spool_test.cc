#include "boxlite/image/spool.h"

#include <zstd.h>

#include <thread>

#include "boxlite/image/testing.h"

namespace boxlite {
namespace {

class SpoolTest : public ::testing::Test {
 protected:
  TestDirectory directory_;
  const std::string tar_ = TarOf({TarFile("a", std::string(3000, 'a'))});

  std::string Compressed(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
  }
};

TEST_F(SpoolTest, UsesAPlainFileAsItIs) {
  Fd file = FileOf(directory_, tar_);
  const std::size_t before = ListDirectory(directory_.fd())->size();
  Result<Fd> spooled = Spool(file.get(), directory_.fd());
  ASSERT_THAT(spooled, IsOk());
  EXPECT_EQ(ReadAt(spooled->get()), tar_);
  EXPECT_EQ(ListDirectory(directory_.fd())->size(), before);
}

TEST_F(SpoolTest, DecompressesAndLeavesNoFile) {
  Fd file = FileOf(directory_, Compressed(tar_));
  const std::size_t before = ListDirectory(directory_.fd())->size();
  Result<Fd> spooled = Spool(file.get(), directory_.fd());
  ASSERT_THAT(spooled, IsOk());
  EXPECT_EQ(ReadAt(spooled->get()), tar_);
  EXPECT_EQ(ListDirectory(directory_.fd())->size(), before);
}

TEST_F(SpoolTest, TakesAPipe) {
  for (const std::string& bytes : {tar_, Compressed(tar_)}) {
    Result<FdPair> pipe = MakePipe();
    ASSERT_THAT(pipe, IsOk());
    std::thread writer([&] {
      EXPECT_THAT(WriteAll(pipe->second.get(), bytes), IsOk());
      pipe->second.Reset();
    });
    Result<Fd> spooled = Spool(pipe->first.get(), directory_.fd());
    writer.join();
    ASSERT_THAT(spooled, IsOk());
    EXPECT_EQ(ReadAt(spooled->get()), tar_);
  }
}

TEST_F(SpoolTest, OfDamagedOrEmptyBytesIsAnError) {
  const std::string compressed = Compressed(tar_);
  EXPECT_THAT(
      Spool(FileOf(directory_, compressed.substr(0, compressed.size() - 5)).get(), directory_.fd()),
      HasCode(ErrorCode::kCorrupt));
  Result<FdPair> pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  pipe->second.Reset();
  EXPECT_THAT(Spool(pipe->first.get(), directory_.fd()), HasCode(ErrorCode::kCorrupt));
  EXPECT_FALSE(Spool(directory_.fd(), directory_.fd()).ok());
}

}  // namespace
}  // namespace boxlite

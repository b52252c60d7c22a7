#include "boxlite/base/tree_size.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/base/files.h"
#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

TEST(TreeSize, CountsWhatIsWrittenAndNoHolesAndNothingOutside) {
  TestDirectory dir;
  ASSERT_THAT(EnsureDirectory(dir.fd(), "tree"), IsOk());
  const std::uint64_t empty = *TreeBytes(dir.fd(), "tree");
  ASSERT_THAT(EnsureDirectory(dir.fd(), "tree/below"), IsOk());
  ASSERT_THAT(
      WriteFileAtomically(dir.fd(), "outside", std::string(1 << 20, 'x'), Durability::kDurable),
      IsOk());
  ASSERT_EQ(::symlinkat("../../outside", dir.fd(), "tree/below/link"), 0);
  Result<Fd> below = OpenDirectory(dir.fd(), "tree/below");
  const std::string content(1 << 18, 'x');
  ASSERT_THAT(WriteFileAtomically(below->get(), "file", content, Durability::kDurable), IsOk());
  const Fd file(::openat(below->get(), "file", O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 1 << 30), 0);
  const std::uint64_t bytes = *TreeBytes(dir.fd(), "tree");
  EXPECT_GE(bytes, empty + content.size());
  EXPECT_LT(bytes, empty + content.size() + (1 << 17));
}

TEST(TreeSize, OfWhatIsNotThereIsNothing) {
  TestDirectory dir;
  EXPECT_EQ(*TreeBytes(dir.fd(), "none"), 0U);
}

}  // namespace
}  // namespace boxlite

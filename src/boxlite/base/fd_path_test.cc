#include "boxlite/base/fd_path.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>

#include <thread>

#include "boxlite/base/fd.h"

namespace boxlite {
namespace {

TEST(FdPath, NamesADescriptorThatOnlyThisThreadHas) {
  std::thread([] {
    ASSERT_EQ(::unshare(CLONE_FILES), 0);
    const Fd directory(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(directory.valid());
    struct stat by_name = {};
    struct stat by_fd = {};
    ASSERT_EQ(::stat(FdPath(directory.get()).c_str(), &by_name), 0);
    ASSERT_EQ(::fstat(directory.get(), &by_fd), 0);
    EXPECT_EQ(by_name.st_ino, by_fd.st_ino);
    EXPECT_EQ(by_name.st_dev, by_fd.st_dev);
  }).join();
}

}  // namespace
}  // namespace boxlite

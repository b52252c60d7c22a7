#include "boxlite/cli/progress.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boxlite/base/fd.h"

namespace boxlite::cli {
namespace {

using std::chrono::milliseconds;
constexpr std::uint64_t kMebi = 1 << 20;

TEST(DescribeProgress, ShowsPartAmountAndRate) {
  EXPECT_EQ(DescribeProgress(12 * kMebi, 24 * kMebi, milliseconds(2000), 100),
            "[============>           ]  50%  12.0 MiB of 24.0 MiB, 6.0 MiB/s");
  EXPECT_EQ(DescribeProgress(24 * kMebi, 24 * kMebi, milliseconds(2000), 100),
            "[========================] 100%  24.0 MiB of 24.0 MiB, 12.0 MiB/s");
  EXPECT_EQ(DescribeProgress(0, 10, milliseconds(0), 100),
            "[>                       ]   0%  0 B of 10 B");
}

TEST(DescribeProgress, GoesWithoutABarWhereTheWholeIsNotKnown) {
  EXPECT_EQ(DescribeProgress(1536, 0, milliseconds(1000), 100), "1.5 KiB, 1.5 KiB/s");
}

TEST(DescribeProgress, NeverFillsTheLastColumn) {
  for (const std::uint64_t total : {std::uint64_t{0}, std::uint64_t{100} * kMebi}) {
    for (unsigned columns = 0; columns < 100; ++columns) {
      const std::string line = DescribeProgress(50 * kMebi, total, milliseconds(1000), columns);
      EXPECT_LT(line.size(), std::max(columns, 1U));
    }
  }
}

TEST(DescribeProgress, IsNeverBeyondAHundredPercent) {
  EXPECT_NE(DescribeProgress(30, 10, milliseconds(0), 100).find("100%"), std::string::npos);
}

TEST(ProgressLine, WritesNothingWhereNoTerminalIs) {
  Fd file(::memfd_create("err", MFD_CLOEXEC));
  {
    ProgressLine line(file.get());
    for (int i = 0; i < 1000; ++i) line.Update(i, 1000);
  }
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 0);
}

}  // namespace
}  // namespace boxlite::cli

#include "boxlite/agent/modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxlite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Modules, AListIsReadInItsOrder) {
  EXPECT_THAT(*ParseModuleList("virtio_ring\n\nvirtio-rng\nlast"),
              ElementsAre("virtio_ring", "virtio-rng", "last"));
  EXPECT_THAT(*ParseModuleList(""), IsEmpty());
}

TEST(Modules, ANameThatCouldLeaveTheDirectoryIsRefused) {
  EXPECT_EQ(ParseModuleList("virtio\n../init\n").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ParseModuleList("a b\n").error().code(), ErrorCode::kInvalidArgument);
}

TEST(Modules, ThePortsDriverEndsTheFirstPart) {
  const ModuleSplit split = SplitModules({"ring", "console", "blk"}, "console");
  EXPECT_THAT(split.first, ElementsAre("ring", "console"));
  EXPECT_THAT(split.rest, ElementsAre("blk"));
}

TEST(Modules, WithoutThePortsDriverAllAreFirst) {
  const ModuleSplit split = SplitModules({"ring", "blk"}, "console");
  EXPECT_THAT(split.first, ElementsAre("ring", "blk"));
  EXPECT_THAT(split.rest, IsEmpty());
}

}  // namespace
}  // namespace boxlite

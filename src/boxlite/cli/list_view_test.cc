#include "boxlite/cli/list_view.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace boxlite::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

BoxInfo Box() {
  BoxSpec spec;
  spec.name = "web";
  spec.image = "boxlite/base";
  spec.argv = {"sleep", "1"};
  spec.labels = {{"a", "1"}, {"b", ""}};
  spec.created_ns = 100 * kSecond;
  return {*BoxId::Parse("abcdefghij01"),
          spec,
          DerivedState{BoxState::kConfigured, "it was never started", {}},
          0,
          {},
          {},
          {},
          ""};
}

TEST(ListView, HasDockersFieldsBesideItsOwn) {
  const Document row = ListRow(Box(), 160 * kSecond, 1'500'000);
  EXPECT_EQ(row["ID"], "abcdefghij01");
  EXPECT_EQ(row["Names"], "web");
  EXPECT_EQ(row["Image"], "boxlite/base");
  EXPECT_EQ(row["Command"], "\"sleep 1\"");
  EXPECT_EQ(row["RunningFor"], "1 minute ago");
  EXPECT_EQ(row["State"], "configured");
  EXPECT_EQ(row["Size"], "1.5MB");
  EXPECT_EQ(row["Labels"], "a=1,b=");
  EXPECT_EQ(row["labels"]["a"], "1");
}

TEST(ListView, HasAHeadingForEveryField) {
  const Document headings = ListHeadings();
  const Document row = ListRow(Box(), 0, std::nullopt);
  for (const auto& [key, value] : row.items()) {
    ASSERT_TRUE(headings.contains(key)) << key;
    EXPECT_TRUE(headings[key].is_string()) << key;
  }
  EXPECT_EQ(headings["Names"], "NAMES");
  EXPECT_EQ(headings["CreatedAt"], "CREATED AT");
}

}  // namespace
}  // namespace boxlite::cli

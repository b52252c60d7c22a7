#include "boxlite/base/keyed_text.h"

#include <gtest/gtest.h>

namespace boxlite {
namespace {

TEST(NumberOf, IsWhatStandsBehindTheKeyOfItsLine) {
  constexpr char kText[] = "MemTotalX: 1 kB\nMemTotal:      2048 kB\nusage_usec 7\nMemTotal: 9\n";
  EXPECT_EQ(NumberOf(kText, "MemTotal:"), 2048u);
  EXPECT_EQ(NumberOf(kText, "usage_usec"), 7u);
  EXPECT_EQ(NumberOf(kText, "usage"), std::nullopt);
  EXPECT_EQ(NumberOf(kText, "absent"), std::nullopt);
}

TEST(NumberOf, WhatIsNoNumberIsNone) {
  for (const char* text :
       {"", "k", "k ", "k x", "k -1", "k 1x", "k 99999999999999999999999", "k1"}) {
    EXPECT_EQ(NumberOf(text, "k"), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace boxlite

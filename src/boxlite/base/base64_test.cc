#include "boxlite/base/base64.h"

#include <gtest/gtest.h>

namespace boxlite {
namespace {

TEST(Base64, WritesTheExamplesOfItsStandardAndReadsThemBack) {
  // RFC 4648, section 10.
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(Base64Decode(text), bytes);
  }
  EXPECT_EQ(Base64Decode("Zg"), "f");
}

TEST(Base64, RefusesWhatIsNoDigit) {
  for (const char* bad : {"Zg!=", "Z g=", "Zm9v\n", "-_"})
    EXPECT_EQ(Base64Decode(bad), std::nullopt);
}

}  // namespace
}  // namespace boxlite

#include "boxlite/oci/digest.h"

#include <gtest/gtest.h>

namespace boxlite {
namespace {

constexpr std::string_view kOfNothing =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, IsTheSumOfTheBytesHoweverTheyCome) {
  EXPECT_EQ(Sha256::Of("").text(), kOfNothing);
  Sha256 sum;
  sum.Update("a");
  sum.Update("");
  sum.Update("bc");
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(sum.Finish().hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, ReadsWhatItWrites) {
  const Result<Digest> digest = Digest::Parse(kOfNothing);
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(digest->text(), kOfNothing);
  EXPECT_EQ(*digest, Sha256::Of(""));
}

TEST(Digest, RefusesWhatIsNone) {
  const std::string good(kOfNothing);
  std::string upper = good;
  upper[10] = 'C';
  for (const std::string& bad :
       {std::string(), std::string("sha256"), good.substr(7), good + "0", upper,
        good.substr(0, good.size() - 1), std::string("md5:0123456789abcdef0123456789abcdef"),
        "sha256:" + std::string(61, '0') + "/.."}) {
    const Result<Digest> digest = Digest::Parse(bad);
    ASSERT_FALSE(digest.ok()) << bad;
    EXPECT_EQ(digest.error().code(), ErrorCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(Digest::Parse("sha512:00").error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace boxlite

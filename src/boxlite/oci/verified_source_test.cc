#include "boxlite/oci/verified_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

class TextSource : public ByteSource {
 public:
  TextSource(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}

  Result<std::size_t> Read(std::span<char> room) override {
    const std::size_t count = std::min({room.size(), piece_, text_.size() - at_});
    std::copy_n(text_.data() + at_, count, room.data());
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

// What is seen of `text` through a source that expects the bytes of `expected`.
Result<std::string> Through(const std::string& text, const std::string& expected,
                            std::size_t piece = 3) {
  VerifiedSource source(std::make_unique<TextSource>(text, piece), Sha256::Of(expected),
                        expected.size(), "a layer");
  std::string seen;
  char room[8];
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, source.Read(room));
    if (count == 0) break;
    seen.append(room, count);
    EXPECT_LE(seen.size(), expected.size());
  }
  BOXLITE_ASSIGN_OR_RETURN(const std::size_t again, source.Read(room));
  EXPECT_EQ(again, 0U);
  return seen;
}

TEST(VerifiedSource, PassesTheRightBytesOn) {
  for (const std::size_t piece : {1, 3, 100}) {
    EXPECT_EQ(*Through("some bytes", "some bytes", piece), "some bytes");
  }
  EXPECT_EQ(*Through("", ""), "");
}

TEST(VerifiedSource, RefusesWhatIsShortLongOrOther) {
  for (const char* wrong : {"", "some byte", "some bytes!", "some byteS", "some bytessome bytes"}) {
    EXPECT_THAT(Through(wrong, "some bytes"), HasCode(ErrorCode::kCorrupt)) << wrong;
  }
  EXPECT_THAT(Through("x", ""), HasCode(ErrorCode::kCorrupt));
  EXPECT_NE(Through("x", "y").error().message().find("a layer"), std::string::npos);
}

TEST(VerifiedSource, StopsAnEndlessBodyAtItsSize) {
  class Endless : public ByteSource {
   public:
    Result<std::size_t> Read(std::span<char> room) override {
      std::ranges::fill(room, 'x');
      return room.size();
    }
  };
  VerifiedSource source(std::make_unique<Endless>(), Sha256::Of(""), 1'000'000);
  std::vector<char> room(65536);
  std::size_t seen = 0;
  for (;;) {
    const Result<std::size_t> count = source.Read(room);
    if (!count.ok()) {
      EXPECT_EQ(count.error().code(), ErrorCode::kCorrupt);
      break;
    }
    seen += *count;
    ASSERT_LE(seen, 1'000'000U);
  }
}

}  // namespace
}  // namespace boxlite

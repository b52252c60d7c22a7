#include "boxlite/disk/decompressor.h"

#include <gtest/gtest.h>

#include "boxlite/disk/testing.h"

namespace boxlite {
namespace {

// Not compressible to nothing, not noise.
std::string Sample(std::size_t size) {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < size) {
    state = state * 1664525 + 1013904223;
    text += std::to_string(state >> (state & 15)) + (state % 7 == 0 ? "\n" : " the same words ");
  }
  text.resize(size);
  return text;
}

Result<std::string> Decompress(const std::string& stored, std::size_t step, std::size_t room,
                               Compression compression = Compression::kDetect) {
  TextSource source(stored, step);
  BOXLITE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> plain,
                           MakeDecompressor(source, compression));
  std::string text;
  std::string buffer(room, '\0');
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, plain->Read(buffer));
    if (count == 0) return text;
    text.append(buffer, 0, count);
  }
}

class DecompressorSteps : public testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};
INSTANTIATE_TEST_SUITE_P(AnySizes, DecompressorSteps,
                         testing::Values(std::pair(1, 1), std::pair(1, 70000), std::pair(7, 13),
                                         std::pair(131072, 262144), std::pair(100000, 3)));

TEST_P(DecompressorSteps, GivesBackWhatWasCompressed) {
  const auto [step, room] = GetParam();
  const std::string text = Sample(200'000);
  for (const std::string& stored : {Gzip(text), Zstd(text), text}) {
    const Result<std::string> got = Decompress(stored, step, room);
    ASSERT_THAT(got, IsOk());
    EXPECT_TRUE(*got == text);
  }
}

TEST_P(DecompressorSteps, JoinsMembersAndFrames) {
  const auto [step, room] = GetParam();
  const std::string a = Sample(50'000), b = Sample(1), c = Sample(9'999);
  for (const std::string& stored :
       {Gzip(a) + Gzip(b) + Gzip("") + Gzip(c), Zstd(a) + Zstd(b) + Zstd("") + Zstd(c)}) {
    const Result<std::string> got = Decompress(stored, step, room);
    ASSERT_THAT(got, IsOk());
    EXPECT_TRUE(*got == a + b + c);
  }
}

TEST(Decompressor, TellsAStreamThatWasCut) {
  const std::string text = Sample(50'000);
  for (const std::string& stored : {Gzip(text), Zstd(text), Gzip(text) + Gzip(text)}) {
    for (const std::size_t gone : {std::size_t{1}, std::size_t{5}, std::size_t{1000}}) {
      EXPECT_THAT(Decompress(stored.substr(0, stored.size() - gone), 4096, 4096),
                  HasCode(ErrorCode::kCorrupt))
          << gone;
    }
  }
}

TEST(Decompressor, TellsWhatFollowsTheStream) {
  const std::string text = Sample(5'000);
  for (const std::string& stored : {Gzip(text), Zstd(text)}) {
    EXPECT_THAT(Decompress(stored + "garbage", 4096, 4096), HasCode(ErrorCode::kCorrupt));
    EXPECT_THAT(Decompress(stored + "\x1f", 4096, 4096), HasCode(ErrorCode::kCorrupt));
  }
}

TEST(Decompressor, TellsAFlippedBit) {
  std::string stored = Gzip(Sample(50'000));
  stored[stored.size() - 6] = static_cast<char>(stored[stored.size() - 6] ^ 1);  // of the checksum
  EXPECT_THAT(Decompress(stored, 4096, 4096), HasCode(ErrorCode::kCorrupt));
}

TEST(Decompressor, RefusesWhatItDoesNotRead) {
  EXPECT_THAT(Decompress(std::string("\xfd"
                                     "7zXZ\0rest",
                                     10),
                         4096, 4096),
              HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(Decompress("BZh91AY&SY", 4096, 4096), HasCode(ErrorCode::kUnsupported));
}

TEST(Decompressor, BelievesWhoNamesTheCompression) {
  EXPECT_THAT(Decompress("no gzip", 4096, 4096, Compression::kGzip), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(Decompress("no zstd", 4096, 4096, Compression::kZstd), HasCode(ErrorCode::kCorrupt));
  const std::string stored = Gzip("x");
  const Result<std::string> raw = Decompress(stored, 4096, 4096, Compression::kNone);
  ASSERT_THAT(raw, IsOk());
  EXPECT_EQ(*raw, stored);
}

TEST(Decompressor, PassesTheSourcesErrorOn) {
  const std::string stored = Gzip(Sample(50'000));
  TextSource source(stored.substr(0, 900), 100, Error(ErrorCode::kUnavailable, "cable cut"));
  const Result<std::unique_ptr<ByteSource>> plain = MakeDecompressor(source, Compression::kDetect);
  ASSERT_THAT(plain, IsOk());
  std::string room(1 << 20, '\0');
  Result<std::size_t> got = (*plain)->Read(room);
  while (got.ok() && *got > 0) got = (*plain)->Read(room);
  EXPECT_THAT(got, HasCode(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace boxlite

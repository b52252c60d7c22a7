#include "boxlite/shim/exec_ring.h"

#include <random>
#include <string>

#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

std::string Kept(const ExecRing& ring) {
  std::string text;
  for (std::uint64_t at = ring.begin(); at < ring.end();) {
    const auto piece = ring.Peek(at);
    text += AsText(piece);
    at += piece.size();
  }
  return text;
}

TEST(ExecRing, CostsNothingUntilTheFirstByteAndAfterTheLast) {
  ExecRing ring(1 << 20);
  EXPECT_EQ(ring.allocated(), 0u);
  ring.Append(AsBytes(""));
  EXPECT_EQ(ring.allocated(), 0u);
  ring.Append(AsBytes("x"));
  EXPECT_GT(ring.allocated(), 0u);
  EXPECT_LT(ring.allocated(), 5000u);
  ring.DropBefore(ring.end());
  EXPECT_EQ(ring.allocated(), 0u);
  EXPECT_EQ(ring.begin(), 1u);
}

TEST(ExecRing, KeepsTheNewestBytesUnderTheirOffsets) {
  ExecRing ring(8);
  ring.Append(AsBytes("abcdef"));
  ring.Append(AsBytes("ghij"));
  EXPECT_EQ(ring.begin(), 2u);
  EXPECT_EQ(ring.end(), 10u);
  EXPECT_EQ(Kept(ring), "cdefghij");
  ring.Append(AsBytes("0123456789ABCDEF"));
  EXPECT_EQ(ring.begin(), 18u);
  EXPECT_EQ(Kept(ring), "89ABCDEF");
  EXPECT_EQ(ring.Peek(17).size(), 0u);
  EXPECT_EQ(ring.Peek(26).size(), 0u);
}

TEST(ExecRing, AppendsWithinItsMemoryWhenToldTo) {
  ExecRing ring(1 << 20);
  ring.Append(AsBytes("x"));
  const std::size_t had = ring.allocated();
  ring.AppendWithoutGrowing(AsBytes(std::string(3 * had, 'y')));
  EXPECT_EQ(ring.allocated(), had);
  EXPECT_EQ(Kept(ring), std::string(had, 'y'));
  EXPECT_EQ(ring.end(), 1 + 3 * had);
}

TEST(ExecRing, IsAlwaysTheTailOfWhatWasAppended) {
  std::mt19937 random(7);
  ExecRing ring(5000);
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    std::string part(random() % (random() % 50 == 0 ? 9000 : 300), '\0');
    for (char& byte : part) byte = static_cast<char>(random());
    const std::size_t growth = ring.GrowthFor(part.size());
    const std::size_t before = ring.allocated();
    ring.Append(AsBytes(part));
    all += part;
    ASSERT_EQ(ring.allocated(), before + growth);
    ASSERT_LE(ring.allocated(), 5000u);
    if (random() % 7 == 0) ring.DropBefore(ring.begin() + random() % 600);
    ASSERT_EQ(ring.end(), all.size());
    ASSERT_EQ(Kept(ring), all.substr(ring.begin()));
  }
}

}  // namespace
}  // namespace boxlite

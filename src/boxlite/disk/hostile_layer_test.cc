// Layers that are damaged, cut, too much, or lie.
#include <gtest/gtest.h>

#include <array>

#include "boxlite/disk/testing.h"
#include "boxlite/disk/write_base.h"

namespace boxlite {
namespace {

using testing::HasSubstr;
using HostileLayer = BaseTest;

TEST_F(HostileLayer, RefusesMapsOfHolesThatLie) {
  for (const auto& [map, data, size] : std::vector<std::array<std::string, 3>>{
           {"2\n0\n6\n1000\n5\n", "head::tail", "1005"},  // more than there is
           {"2\n0\n6\n1000\n4\n", "head::tail", "1000"},  // beyond the end
           {"2\n1000\n6\n0\n4\n", "head::tail", "1006"},  // backwards
           {"2\n0\n6\n3\n4\n", "head::tail", "1000"},     // over each other
           {"1\n9223372036854775806\n1\n", "x", "100"},
           {"1\n0\n99999999999999999999\n", "x", "100"}}) {
    TarLayer layer;
    AddSparse(layer, "s", map, data, size);
    Why(Write({layer.Bytes()}), ErrorCode::kCorrupt);
  }
}

TEST_F(HostileLayer, RefusesContentWithAnotherDigest) {
  TextLayers layers({TarLayer().File("f").Bytes(), TarLayer().File("g").Bytes()});
  layers.change = [](std::size_t index, LayerSource& layer) {
    if (index == 1) layer.diff_id = Sha256::Of("something else");
  };
  const std::string why = Why(Write(layers), ErrorCode::kCorrupt);
  EXPECT_THAT(why, HasSubstr("layer 2 of 2"));
  EXPECT_THAT(why, HasSubstr(Sha256::Of("something else").text()));
}

TEST_F(HostileLayer, NamesLayerAndPathOfWhatItRefuses) {
  const std::string good = TarLayer().File("f").Bytes();
  const std::vector<std::pair<std::string, std::string>> bad = {
      {TarLayer().HardLink("a/l\x1b", "missing").Bytes(), "'a/l\\x1b': it is a hard link"},
      {TarLayer().File("f").File("f/g").Bytes(), "'f/g': its parent"},
      {TarLayer().Symlink("a", "a/a").File("a/b").Bytes(), "'a/b': its parents are symbolic"},
      {TarLayer().File(std::string(256, 'n')).Bytes(), "more than 255"},
      {TarLayer().Symlink("l", std::string(4096, 't')).Bytes(), "'l': it is a symbolic link"},
      {TarLayer().Symlink("l", "").Bytes(), "'l': it is a symbolic link to nothing"},
      {TarLayer().File(".").Bytes(), "directory"},
      {TarLayer().File(".wh...").Bytes(), "whiteout"},
  };
  for (const auto& [stream, reason] : bad) {
    const std::string why = Why(Write({good, stream}), ErrorCode::kCorrupt);
    EXPECT_THAT(why, HasSubstr("layer 2 of 2"));
    EXPECT_THAT(why, HasSubstr(reason));
  }
}

TEST_F(HostileLayer, RefusesWhatIsNoOwnerOrDevice) {
  TarLayer owner;
  owner.Add(Entry(TarEntry::Kind::kFile, "f", 0644), "", {{"uid", "4294967295"}});
  EXPECT_THAT(Why(Write({owner.Bytes()}), ErrorCode::kCorrupt), HasSubstr("'f'"));
  TarEntry device = Entry(TarEntry::Kind::kCharacterDevice, "d", 0644);
  device.device_major = 4096;
  EXPECT_THAT(Why(Write({TarLayer().Add(device).Bytes()}), ErrorCode::kCorrupt), HasSubstr("'d'"));
}

TEST_F(HostileLayer, TellsAStreamThatWasCut) {
  const TarLayer layer = TarLayer().File("a", std::string(3000, 'a')).File("b", "b");
  const std::string whole = layer.Bytes();
  for (const std::size_t size : {std::size_t{100}, std::size_t{512}, std::size_t{700},
                                 std::size_t{3584}, layer.Cut().size(), whole.size() - 600}) {
    EXPECT_THAT(Why(Write({whole.substr(0, size)}), ErrorCode::kCorrupt), HasSubstr("layer 1"))
        << size;
  }
  Why(Write({""}), ErrorCode::kCorrupt);
  Why(Write({Gzip(whole).substr(0, 150)}), ErrorCode::kCorrupt);
  // Its digest says that it is whole: some writers leave the end out.
  TextLayers layers({layer.Cut()});
  layers.change = [&](std::size_t, LayerSource& source) {
    source.diff_id = Sha256::Of(layer.Cut());
  };
  EXPECT_THAT(Write(layers), IsOk());
}

TEST_F(HostileLayer, RefusesGarbageAfterTheEnd) {
  const std::string whole = TarLayer().File("a").Bytes();
  for (const std::string& rest : {std::string("garbage"), TarLayer().File("b").Bytes(),
                                  std::string(1 << 20, '\0') + "garbage"}) {
    EXPECT_THAT(Why(Write({whole + rest}), ErrorCode::kCorrupt), HasSubstr("garbage"));
    Why(Write({Gzip(whole + rest)}), ErrorCode::kCorrupt);
  }
  EXPECT_THAT(Write({whole + std::string(1 << 20, '\0')}), IsOk());
}

TEST_F(HostileLayer, RefusesWhatIsNoTar) {
  Why(Write({std::string(10'000, 'x')}), ErrorCode::kCorrupt);
  Why(Write({Gzip("short")}), ErrorCode::kCorrupt);
  std::string damaged = TarLayer().File("a").File("b").Bytes();
  damaged[1024] = 'x';  // the second header's name
  Why(Write({damaged}), ErrorCode::kCorrupt);
}

TEST_F(HostileLayer, StopsBombsAtTheLimit) {
  BaseOptions options;
  options.limits.plain_bytes = 10 << 20;
  const std::string zeros = TarLayer().File("z", std::string(30 << 20, '\0')).Bytes();
  for (const std::string& bomb : {Gzip(zeros), Zstd(zeros)}) {
    ASSERT_LT(bomb.size(), 1U << 20);
    EXPECT_THAT(Why(Write({bomb}, options), ErrorCode::kResourceExhausted), HasSubstr("layer 1"));
  }
  // Also in what follows the archive, which no entry counts.
  Why(Write({Gzip(TarLayer().Bytes() + std::string(30 << 20, '\0'))}, options),
      ErrorCode::kResourceExhausted);
}

TEST_F(HostileLayer, HoldsEveryLimit) {
  const std::string stream =
      TarLayer().File("a", std::string(9000, 'a')).File("b").File("c").Bytes();
  BaseOptions options;
  options.limits.entries = 5;
  EXPECT_THAT(Why(Write({stream, stream}, options), ErrorCode::kResourceExhausted),
              HasSubstr("layer 2 of 2"));
  options = {};
  options.limits.file_bytes = 8999;
  EXPECT_THAT(Why(Write({stream}, options), ErrorCode::kResourceExhausted), HasSubstr("'a'"));
  options = {};
  options.limits.stored_bytes = stream.size() * 2 - 1;
  Why(Write({stream, stream}, options), ErrorCode::kResourceExhausted);
  options = {};
  options.limits.tree_bytes = 500;
  Why(Write({stream}, options), ErrorCode::kResourceExhausted);
  options = {};
  options.limits.layers = 1;
  Why(Write({stream, stream}, options), ErrorCode::kResourceExhausted);
  options = {};
  options.limits.disk_bytes = 63 << 20;
  Why(Write({stream}, options), ErrorCode::kResourceExhausted);
  options.limits.disk_bytes = 516 << 10;
  Why(Write({stream}, options), ErrorCode::kResourceExhausted);
}

TEST_F(HostileLayer, RefusesAbsurdSizesAtOnce) {
  TarEntry entry = Entry(TarEntry::Kind::kFile, "f", 0644);
  TarLayer layer;
  layer.Add(entry, "", {{"size", "9000000000000000000"}});
  EXPECT_THAT(Why(Write({layer.Bytes()}), ErrorCode::kResourceExhausted), HasSubstr("'f'"));
}

// libarchive keeps a map of holes in memory, many bytes for each of its numbers.
TEST_F(HostileLayer, RefusesAMapOfHolesWithoutEnd) {
  std::string map = "20000000\n";
  while (map.size() < 18 << 20) map += "1\n0\n1\n0\n1\n0\n1\n0\n";
  TarLayer layer;
  AddSparse(layer, "s", map, "", "100");
  EXPECT_THAT(Why(Write({layer.Bytes()}), ErrorCode::kCorrupt), HasSubstr("absurdly large"));
}

TEST_F(HostileLayer, PassesOnWhatOpenerAndSourceSay) {
  class Failing final : public LayerOpener {
   public:
    std::size_t count() const override { return 3; }
    Result<LayerSource> Open(std::size_t index) override {
      if (index == 1) return Error(ErrorCode::kNotFound, "no such blob");
      LayerSource layer;
      layer.bytes = std::make_unique<TextSource>(TarLayer().File("f").Bytes());
      return layer;
    }
  } failing;
  EXPECT_THAT(Why(Write(failing), ErrorCode::kNotFound), HasSubstr("layer 2 of 3: no such blob"));
  for (const Arrival arrival : {Arrival::kReadWhenNeeded, Arrival::kFetchAhead}) {
    TextLayers layers({TarLayer().File("f").Bytes()});
    layers.change = [arrival](std::size_t, LayerSource& layer) {
      layer.bytes = std::make_unique<TextSource>(TarLayer().File("f").Cut(), 100,
                                                 Error(ErrorCode::kUnavailable, "cable cut"));
      layer.arrival = arrival;
    };
    EXPECT_THAT(Why(Write(layers), ErrorCode::kUnavailable), HasSubstr("cable cut"));
  }
}

// An error in a layer must not wait for those that are read ahead of it to end.
TEST_F(HostileLayer, GivesUpLayersThatAreReadAhead) {
  const std::string endless = TarLayer().File("f", std::string(12 << 20, 'x')).Bytes();
  EXPECT_THAT(
      Why(Write({"no tar" + std::string(1000, 'x'), endless, endless}), ErrorCode::kCorrupt),
      HasSubstr("layer 1 of 3"));
}

}  // namespace
}  // namespace boxlite

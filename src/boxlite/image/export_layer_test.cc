#include "boxlite/image/export_layer.h"

#include <map>

#include "boxlite/copy/tar_reader.h"
#include "boxlite/disk/write_base.h"
#include "boxlite/image/testing.h"

namespace boxlite {
namespace {

class BytesSource final : public ByteSource {
 public:
  explicit BytesSource(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> Read(std::span<char> room) override {
    const std::size_t count = std::min(room.size(), bytes_.size() - at_);
    bytes_.copy(room.data(), count, at_);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

class OneLayer final : public LayerOpener {
 public:
  explicit OneLayer(std::string tar) : tar_(std::move(tar)) {}
  std::size_t count() const override { return 1; }
  Result<LayerSource> Open(std::size_t) override {
    LayerSource layer;
    layer.bytes = std::make_unique<BytesSource>(tar_);
    return layer;
  }

 private:
  std::string tar_;
};

class Collector final : public TarConsumer {
 public:
  Status Begin(const TarEntry& entry) override {
    last_ = entry.name;
    entries[entry.name] = entry;
    return {};
  }
  Status Data(std::string_view bytes) override {
    contents[last_] += bytes;
    return {};
  }
  Status End() override { return {}; }

  std::map<std::string, TarEntry> entries;
  std::map<std::string, std::string> contents;

 private:
  std::string last_;
};

TEST(ExportLayerTest, WritesWhatTheBaseHoldsAndTheSameBytesEachTime) {
  TestDirectory directory;
  TarEntry file;
  file.name = "d/file";
  file.mode = 04751;
  file.uid = 70'000;
  file.gid = 7;
  file.mtime_s = 1'600'000'000;
  TarEntry device;
  device.kind = TarEntry::Kind::kCharacterDevice;
  device.name = "d/device";
  device.device_major = 300;
  device.device_minor = 70'000;
  TarEntry fifo;
  fifo.kind = TarEntry::Kind::kFifo;
  fifo.name = "d/fifo";
  const std::string long_target(200, 't');
  OneLayer layer(TarOf({TarMember(file, std::string(10'000, 'x')),
                        TarLink(TarEntry::Kind::kHardLink, "hard", "d/file"),
                        TarLink(TarEntry::Kind::kSymlink, "short", "d/file"),
                        TarLink(TarEntry::Kind::kSymlink, "long", long_target), TarMember(device),
                        TarMember(fifo), TarFile("odd\xff", "")}));
  ASSERT_THAT(WriteBase(layer, "seed", directory.fd(), "base"), IsOk());
  Fd base(::openat(directory.fd(), "base", O_RDONLY | O_CLOEXEC));
  std::string tars[2];
  for (std::string& tar : tars) {
    Fd out = FileOf(directory, "");
    Result<ExportedLayer> exported = ExportLayer(base.get(), out.get(), directory.fd());
    ASSERT_THAT(exported, IsOk());
    tar = ReadAt(out.get());
    EXPECT_EQ(exported->bytes, tar.size());
    EXPECT_EQ(exported->digest, Sha256::Of(tar));
  }
  EXPECT_EQ(tars[0], tars[1]);
  Collector seen;
  TarReader reader(seen);
  ASSERT_THAT(reader.Feed(tars[0]), IsOk());
  ASSERT_THAT(reader.Finish(), IsOk());
  const TarEntry& again = seen.entries["d/file"];
  EXPECT_EQ(again.mode, 04751u);
  EXPECT_EQ(again.uid, 70'000u);
  EXPECT_EQ(again.gid, 7u);
  EXPECT_EQ(again.mtime_s, 1'600'000'000);
  EXPECT_EQ(seen.contents["d/file"], std::string(10'000, 'x'));
  EXPECT_EQ(seen.entries["hard"].kind, TarEntry::Kind::kHardLink);
  EXPECT_EQ(seen.entries["hard"].link, "d/file");
  EXPECT_EQ(seen.entries["short"].link, "d/file");
  EXPECT_EQ(seen.entries["long"].link, long_target);
  EXPECT_EQ(seen.entries["d/device"].kind, TarEntry::Kind::kCharacterDevice);
  EXPECT_EQ(seen.entries["d/device"].device_major, 300u);
  EXPECT_EQ(seen.entries["d/device"].device_minor, 70'000u);
  EXPECT_EQ(seen.entries["d/fifo"].kind, TarEntry::Kind::kFifo);
  EXPECT_TRUE(seen.entries.contains("odd\xff"));
  EXPECT_FALSE(seen.entries.contains("lost+found/"));
}

TEST(ExportLayerTest, OfWhatIsNoFilesystemIsAnError) {
  TestDirectory directory;
  Fd junk = FileOf(directory, std::string(100'000, 'j'));
  Fd out = FileOf(directory, "");
  EXPECT_THAT(ExportLayer(junk.get(), out.get(), directory.fd()), HasCode(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace boxlite

// For this folder's tests: layers made in memory, and a base read back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "boxlite/base/testing.h"
#include "boxlite/copy/tar_entry.h"
#include "boxlite/disk/write_base.h"

namespace boxlite {

// A tar stream, entry by entry.
class TarLayer {
 public:
  using PaxRecords = std::vector<std::pair<std::string, std::string>>;

  TarLayer& Add(TarEntry entry, const std::string& content = "", const PaxRecords& pax = {});
  TarLayer& File(const std::string& name, const std::string& content = "x",
                 std::uint32_t mode = 0644);
  TarLayer& Directory(const std::string& name, std::uint32_t mode = 0755);
  TarLayer& Symlink(const std::string& name, const std::string& target);
  TarLayer& HardLink(const std::string& name, const std::string& target);
  TarLayer& Raw(const std::string& bytes);
  std::string Bytes() const;  // with tar's end
  std::string Cut() const { return bytes_; }

 private:
  std::string bytes_;
};

TarEntry Entry(TarEntry::Kind kind, const std::string& name, std::uint32_t mode);
// A file with holes in GNU tar's form 1.0: `map` has how many pieces, and offset and size of each.
TarLayer& AddSparse(TarLayer& layer, const std::string& name, std::string map,
                    const std::string& data, const std::string& size);

// Gives at most `step` bytes a time; fails with `error` where the bytes end, if there is one.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string bytes, std::size_t step = 1 << 20,
                      std::optional<Error> error = std::nullopt)
      : bytes_(std::move(bytes)), step_(step), error_(std::move(error)) {}
  Result<std::size_t> Read(std::span<char> room) override;

 private:
  std::string bytes_;
  std::size_t step_;
  std::optional<Error> error_;
  std::size_t at_ = 0;
};

class TextLayers final : public LayerOpener {
 public:
  explicit TextLayers(std::vector<std::string> layers) : layers_(std::move(layers)) {}
  std::size_t count() const override { return layers_.size(); }
  Result<LayerSource> Open(std::size_t index) override;

  std::function<void(std::size_t, LayerSource&)> change;  // what a test wants otherwise

 private:
  std::vector<std::string> layers_;
};

// One inode, as it is found in a base by one of its names.
struct Found {
  std::uint32_t inode = 0;
  std::uint32_t mode = 0;  // with the type
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t links = 0;
  std::int64_t mtime_s = 0;
  std::uint32_t mtime_ns = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  std::uint32_t device[2] = {};
  std::string content;  // of files up to 1 MiB, and a symbolic link's target
  std::map<std::string, std::string> xattrs;
};

// By path without the first '/'; the root is "". Empty when it cannot be read.
std::map<std::string, Found> ReadBase(const std::string& path);
// What e2fsck -fn says; empty when it finds nothing to say against.
std::string Check(const std::string& path);

std::string Gzip(const std::string& bytes);
std::string Zstd(const std::string& bytes);

// Writes `base` into a directory of the test's own.
class BaseTest : public testing::Test {
 protected:
  Result<BaseFacts> Write(std::vector<std::string> streams, const BaseOptions& options = {}) {
    TextLayers layers(std::move(streams));
    return Write(layers, options);
  }
  Result<BaseFacts> Write(LayerOpener& layers, const BaseOptions& options = {}) {
    return WriteBase(layers, "seed", directory_.fd(), "base", options);
  }
  // Writes, checks and reads back.
  std::map<std::string, Found> Make(std::vector<std::string> streams) {
    const Result<BaseFacts> facts = Write(std::move(streams));
    EXPECT_THAT(facts, IsOk());
    EXPECT_EQ(Check(directory_.Path("base")), "");
    return ReadBase(directory_.Path("base"));
  }
  // Why it failed. Nothing may be left.
  std::string Why(const Result<BaseFacts>& outcome, ErrorCode code) {
    EXPECT_THAT(outcome, HasCode(code));
    EXPECT_TRUE(ListDirectory(directory_.fd())->empty());
    return outcome.ok() ? "(no error)" : outcome.error().message();
  }

  TestDirectory directory_;
};

}  // namespace boxlite

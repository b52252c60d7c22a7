// A layer's stream as a hostile registry could send it: compressed or not, tar headers, maps of
// holes, whiteouts and links in any order. Whatever comes out as a base must be a filesystem that
// e2fsck would not complain about as far as libext2fs can tell, and nothing may be left of the
// rest.
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "boxlite/base/files.h"
#include "boxlite/disk/write_base.h"

namespace boxlite {
namespace {

constexpr std::size_t kTarBlock = 512;

class BytesSource final : public ByteSource {
 public:
  explicit BytesSource(std::string_view bytes) : bytes_(bytes) {}
  Result<std::size_t> Read(std::span<char> room) override {
    const std::size_t count = std::min(room.size(), bytes_.size());
    std::memcpy(room.data(), bytes_.data(), count);
    bytes_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view bytes_;
};

class TwoLayers final : public LayerOpener {
 public:
  TwoLayers(std::string_view first, std::string_view second) : layers_{first, second} {}
  std::size_t count() const override { return 2; }
  Result<LayerSource> Open(std::size_t index) override {
    LayerSource layer;
    layer.bytes = std::make_unique<BytesSource>(layers_[index]);
    return layer;
  }

 private:
  std::string_view layers_[2];
};

// The checksum of each block that may be a header is made right, so that the fuzzer gets past it.
std::string Sealed(const std::uint8_t* data, std::size_t size) {
  std::string stream(reinterpret_cast<const char*>(data), size);
  for (std::size_t at = 0; at + kTarBlock <= stream.size(); at += kTarBlock) {
    if (stream.compare(at + 257, 5, "ustar") != 0) continue;
    stream.replace(at + 148, 8, "        ");
    unsigned sum = 0;
    for (std::size_t i = 0; i < kTarBlock; ++i) sum += static_cast<unsigned char>(stream[at + i]);
    for (int digit = 5; digit >= 0; --digit, sum >>= 3) {
      stream[at + 148 + static_cast<std::size_t>(digit)] = static_cast<char>('0' + (sum & 7));
    }
  }
  return stream;
}

const std::string& Directory() {
  static const std::string kDirectory = [] {
    // Each base is synced: in memory that costs nothing.
    std::string path = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    path += "/boxlite-fuzz-XXXXXX";
    BOXLITE_CHECK(::mkdtemp(path.data()) != nullptr);
    return path;
  }();
  static const struct AtExit {
    ~AtExit() { static_cast<void>(RemoveTree(AT_FDCWD, Directory()).ok()); }
  } kAtExit;
  return kDirectory;
}

int CheckEntry(ext2_ino_t, int, struct ext2_dir_entry* entry, int, int, char*, void* fs) {
  struct ext2_inode inode = {};
  BOXLITE_CHECK(ext2fs_read_inode(static_cast<ext2_filsys>(fs), entry->inode, &inode) == 0);
  BOXLITE_CHECK(inode.i_links_count > 0);
  return 0;
}

// Every inode in use is read with its checksum, every directory's blocks too.
void CheckBase(const std::string& path) {
  ext2_filsys fs = nullptr;
  BOXLITE_CHECK(ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs) == 0);
  BOXLITE_CHECK(ext2fs_read_bitmaps(fs) == 0);
  ext2_inode_scan scan = nullptr;
  BOXLITE_CHECK(ext2fs_open_inode_scan(fs, 0, &scan) == 0);
  struct ext2_inode inode = {};
  ext2_ino_t number = 0;
  while (ext2fs_get_next_inode(scan, &number, &inode) == 0 && number != 0) {
    if (inode.i_links_count == 0 || !LINUX_S_ISDIR(inode.i_mode)) continue;
    BOXLITE_CHECK(ext2fs_dir_iterate2(fs, number, 0, nullptr, CheckEntry, fs) == 0);
  }
  ext2fs_close_inode_scan(scan);
  ext2fs_free(fs);
}

void Fuzz(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return;
  Result<Fd> directory = OpenDirectoryPath(Directory());
  BOXLITE_CHECK(directory.ok());
  // The first two bytes say where the second layer begins.
  const std::size_t cut = (data[0] + std::size_t{256} * data[1]) % (size - 1);
  const std::string first = Sealed(data + 2, std::min(cut, size - 2));
  const std::string second = cut < size - 2 ? Sealed(data + 2 + cut, size - 2 - cut) : "";
  TwoLayers layers(first, second);
  BaseOptions options;
  options.limits.plain_bytes = 8 << 20;
  options.limits.disk_bytes = 128 << 20;
  options.limits.tree_bytes = 8 << 20;
  const Result<BaseFacts> facts = WriteBase(layers, "fuzz", directory->get(), "base", options);
  if (facts.ok()) {
    CheckBase(Directory() + "/base");
    BOXLITE_CHECK(::unlinkat(directory->get(), "base", 0) == 0);
  }
  Result<std::vector<std::string>> left = ListDirectory(directory->get());
  BOXLITE_CHECK(left.ok() && left->empty());
}

}  // namespace
}  // namespace boxlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  boxlite::Fuzz(data, size);
  return 0;
}

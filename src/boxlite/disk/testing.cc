#include "boxlite/disk/testing.h"

#include <ext2fs/ext2fs.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "boxlite/copy/tar_writer.h"

namespace boxlite {
namespace {

std::string Padded(const std::string& content) {
  return content + std::string(TarPadding(content.size()), '\0');
}

std::string Pax(const TarLayer::PaxRecords& records) {
  std::string text;
  for (const auto& [key, value] : records) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + std::to_string(rest).size();
    length = rest + std::to_string(length).size();
    text += std::to_string(length) + " " + key + "=" + value + "\n";
  }
  TarEntry entry;
  entry.name = "PaxHeaders/x";
  entry.size = text.size();
  std::string header = EncodeTarHeader(entry);
  // Another type, and so another sum.
  header[156] = 'x';
  unsigned sum = 8 * ' ';
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(header[i]);
  }
  char digits[8];
  std::snprintf(digits, sizeof digits, "%06o", sum);
  header.replace(148, 7, digits, 7);
  return header + Padded(text);
}

struct Reading {
  ext2_filsys fs = nullptr;
  std::map<std::string, Found>* found = nullptr;
  std::string path;
};

std::string Content(ext2_filsys fs, ext2_ino_t number, std::uint64_t size) {
  ext2_file_t file = nullptr;
  std::string content(size, '\0');
  unsigned got = 0;
  if (ext2fs_file_open(fs, number, 0, &file) != 0) return "(cannot be opened)";
  if (ext2fs_file_read(file, content.data(), static_cast<unsigned>(size), &got) != 0) got = 0;
  ext2fs_file_close(file);
  content.resize(got);
  return content;
}

struct XattrReading {
  struct ext2_xattr_handle* handle = nullptr;
  Found* found = nullptr;
};

int AddXattr(char* name, char*, std::size_t, void* data) {
  const auto& reading = *static_cast<XattrReading*>(data);
  void* value = nullptr;
  std::size_t size = 0;
  // Not the value that is given to us: of an access control list that is what is on the disk.
  if (ext2fs_xattr_get(reading.handle, name, &value, &size) != 0) return 0;
  reading.found->xattrs[name] = std::string(static_cast<char*>(value), size);
  ext2fs_free_mem(&value);
  return 0;
}

Found Look(ext2_filsys fs, ext2_ino_t number) {
  struct ext2_inode_large inode = {};
  Found found;
  found.inode = number;
  if (ext2fs_read_inode_full(fs, number, reinterpret_cast<struct ext2_inode*>(&inode),
                             sizeof inode) != 0) {
    return found;
  }
  found.mode = inode.i_mode;
  found.uid = inode_uid(inode);
  found.gid = inode_gid(inode);
  found.links = inode.i_links_count;
  found.mtime_s = static_cast<std::int32_t>(inode.i_mtime);
  found.mtime_s += static_cast<std::int64_t>(inode.i_mtime_extra & 3) << 32;
  found.mtime_ns = inode.i_mtime_extra >> 2;
  auto* small = reinterpret_cast<struct ext2_inode*>(&inode);
  found.size = EXT2_I_SIZE(small);
  found.blocks = ext2fs_get_stat_i_blocks(fs, small);
  found.device[0] = inode.i_block[0];
  found.device[1] = inode.i_block[1];
  if (LINUX_S_ISREG(inode.i_mode) && found.size <= 1 << 20) {
    found.content = Content(fs, number, found.size);
  } else if (LINUX_S_ISLNK(inode.i_mode)) {
    found.content = found.size < 60
                        ? std::string(reinterpret_cast<const char*>(inode.i_block), found.size)
                        : Content(fs, number, found.size);
  }
  XattrReading reading;
  reading.found = &found;
  if (ext2fs_xattrs_open(fs, number, &reading.handle) == 0) {
    ext2fs_xattrs_read(reading.handle);
    ext2fs_xattrs_iterate(reading.handle, AddXattr, &reading);
    ext2fs_xattrs_close(&reading.handle);
  }
  return found;
}

void Walk(Reading reading, ext2_ino_t number);

int Visit(ext2_ino_t, int, struct ext2_dir_entry* entry, int, int, char*, void* data) {
  const Reading& above = *static_cast<Reading*>(data);
  const std::string name(entry->name, static_cast<std::size_t>(ext2fs_dirent_name_len(entry)));
  if (name == "." || name == "..") return 0;
  Reading reading = above;
  reading.path = above.path.empty() ? name : above.path + "/" + name;
  Walk(reading, entry->inode);
  return 0;
}

void Walk(Reading reading, ext2_ino_t number) {
  const Found& found = (*reading.found)[reading.path] = Look(reading.fs, number);
  if (!LINUX_S_ISDIR(found.mode)) return;
  ext2fs_dir_iterate2(reading.fs, number, 0, nullptr, Visit, &reading);
}

}  // namespace

TarLayer& TarLayer::Add(TarEntry entry, const std::string& content, const PaxRecords& pax) {
  entry.size = content.size();
  if (!pax.empty()) bytes_ += Pax(pax);
  bytes_ += EncodeTarHeader(entry) + Padded(content);
  return *this;
}
TarLayer& TarLayer::File(const std::string& name, const std::string& content, std::uint32_t mode) {
  TarEntry entry;
  entry.name = name;
  entry.mode = mode;
  return Add(entry, content);
}
TarLayer& TarLayer::Directory(const std::string& name, std::uint32_t mode) {
  TarEntry entry;
  entry.kind = TarEntry::Kind::kDirectory;
  entry.name = name;
  entry.mode = mode;
  return Add(entry);
}
TarLayer& TarLayer::Symlink(const std::string& name, const std::string& target) {
  TarEntry entry;
  entry.kind = TarEntry::Kind::kSymlink;
  entry.name = name;
  entry.link = target;
  entry.mode = 0777;
  return Add(entry);
}
TarLayer& TarLayer::HardLink(const std::string& name, const std::string& target) {
  TarEntry entry;
  entry.kind = TarEntry::Kind::kHardLink;
  entry.name = name;
  entry.link = target;
  return Add(entry);
}
TarLayer& TarLayer::Raw(const std::string& bytes) {
  bytes_ += bytes;
  return *this;
}
std::string TarLayer::Bytes() const { return bytes_ + EncodeTarEnd(); }

TarEntry Entry(TarEntry::Kind kind, const std::string& name, std::uint32_t mode) {
  TarEntry entry;
  entry.kind = kind;
  entry.name = name;
  entry.mode = mode;
  return entry;
}

TarLayer& AddSparse(TarLayer& layer, const std::string& name, std::string map,
                    const std::string& data, const std::string& size) {
  map.resize((map.size() + 511) / 512 * 512, '\0');
  return layer.Add(Entry(TarEntry::Kind::kFile, "GNUSparseFile.0/f", 0644), map + data,
                   {{"GNU.sparse.major", "1"},
                    {"GNU.sparse.minor", "0"},
                    {"GNU.sparse.name", name},
                    {"GNU.sparse.realsize", size}});
}

Result<std::size_t> TextSource::Read(std::span<char> room) {
  const std::size_t count = std::min({room.size(), step_, bytes_.size() - at_});
  if (count == 0 && error_) return *error_;
  std::memcpy(room.data(), bytes_.data() + at_, count);
  at_ += count;
  return count;
}

Result<LayerSource> TextLayers::Open(std::size_t index) {
  LayerSource layer;
  layer.bytes = std::make_unique<TextSource>(layers_[index]);
  if (change) change(index, layer);
  return layer;
}

std::map<std::string, Found> ReadBase(const std::string& path) {
  std::map<std::string, Found> found;
  Reading reading;
  reading.found = &found;
  if (ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &reading.fs) != 0) {
    return found;
  }
  Walk(reading, EXT2_ROOT_INO);
  ext2fs_free(reading.fs);
  return found;
}

std::string Check(const std::string& path) {
  FILE* output = ::popen(("/usr/sbin/e2fsck -fn " + path + " 2>&1").c_str(), "re");
  if (output == nullptr) return "e2fsck cannot be started";
  std::string text;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, output)) > 0;) {
    text.append(buffer, got);
  }
  return ::pclose(output) == 0 ? "" : text;
}

std::string Gzip(const std::string& bytes) {
  std::string out(bytes.size() + bytes.size() / 8 + 1024, '\0');
  std::string input = bytes;
  struct isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.next_in = reinterpret_cast<std::uint8_t*>(input.data());
  stream.avail_in = static_cast<std::uint32_t>(input.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  BOXLITE_CHECK(isal_deflate_stateless(&stream) == COMP_OK);
  out.resize(stream.total_out);
  return out;
}

std::string Zstd(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1);
  BOXLITE_CHECK(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

}  // namespace boxlite

#include "boxlite/image/export_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

extern "C" {  // not all of these headers say it
#include <et/com_err.h>
#include <ext2fs/ext2fs.h>
}

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "boxlite/base/files.h"
#include "boxlite/store/image_making.h"

namespace boxlite {
namespace {

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::uint64_t kLookAtSpaceEvery = 32ULL << 20;
constexpr char kLostAndFound[] = "lost+found";

Error BaseError(const std::string& what, errcode_t code) {
  return Error(ErrorCode::kCorrupt, "the image's base: " + what + ": " + error_message(code));
}

struct CloseFilesystem {
  void operator()(struct_ext2_filsys* it) const { ext2fs_close_free(&it); }
};
struct CloseFile {
  void operator()(ext2_file* it) const { ext2fs_file_close(it); }
};
struct CloseXattrs {
  void operator()(ext2_xattr_handle* it) const { ext2fs_xattrs_close(&it); }
};
struct FreeWriter {
  void operator()(archive* it) const { archive_write_free(it); }
};
struct FreeEntry {
  void operator()(archive_entry* it) const { archive_entry_free(it); }
};

// Where the tar goes: counted and summed.
struct Sink {
  int fd;
  int dir_fd;
  Sha256 sum;
  std::uint64_t bytes = 0;
  std::uint64_t looked = 0;
  Status status;
};

la_ssize_t TakeBytes(archive* writer, void* data, const void* bytes, std::size_t count) {
  auto* sink = static_cast<Sink*>(data);
  const std::string_view text(static_cast<const char*>(bytes), count);
  if (sink->bytes - sink->looked >= kLookAtSpaceEvery) {
    sink->looked = sink->bytes;
    sink->status = RequireSpace(sink->dir_fd, kLookAtSpaceEvery, "the archive");
  }
  if (sink->status.ok()) sink->status = WriteAll(sink->fd, text);
  if (!sink->status.ok()) {
    archive_set_error(writer, EIO, "the archive cannot be written");
    return -1;
  }
  sink->sum.Update(text);
  sink->bytes += count;
  return static_cast<la_ssize_t>(count);
}

struct Child {
  std::string name;
  ext2_ino_t inode = 0;
};

int TakeChild(ext2_ino_t, int entry, ext2_dir_entry* dirent, int, int, char*, void* data) {
  if (entry != DIRENT_OTHER_FILE) return 0;
  auto* children = static_cast<std::vector<Child>*>(data);
  children->push_back(
      {std::string(dirent->name, static_cast<std::size_t>(ext2fs_dirent_name_len(dirent))),
       dirent->inode});
  return 0;
}

int TakeXattr(char* name, char* value, std::size_t size, void* data) {
  archive_entry_xattr_add_entry(static_cast<archive_entry*>(data), name, value, size);
  return 0;
}

class Exporter {
 public:
  Exporter(ext2_filsys filesystem, archive* writer, Sink& sink)
      : filesystem_(filesystem), writer_(writer), sink_(sink), buffer_(kChunk, '\0') {}

  Status Run() {
    // A stack instead of recursion: no image is so deep that it could hurt.
    std::vector<Child> left = {{".", EXT2_ROOT_INO}};
    while (!left.empty()) {
      const Child next = std::move(left.back());
      left.pop_back();
      BOXLITE_ASSIGN_OR_RETURN(bool is_directory, WriteEntry(next));
      if (!is_directory) continue;
      BOXLITE_ASSIGN_OR_RETURN(std::vector<Child> children, ChildrenOf(next));
      for (Child& child : children) {
        child.name = next.inode == EXT2_ROOT_INO ? child.name : next.name + "/" + child.name;
        left.push_back(std::move(child));
      }
    }
    return {};
  }

 private:
  // Last name first: the stack turns them round.
  Result<std::vector<Child>> ChildrenOf(const Child& directory) {
    std::vector<Child> children;
    const errcode_t code =
        ext2fs_dir_iterate2(filesystem_, directory.inode, 0, nullptr, TakeChild, &children);
    if (code != 0) return BaseError("read the directory " + directory.name, code);
    if (directory.inode == EXT2_ROOT_INO) {
      // The filesystem's own, unless the image put something into it.
      for (auto child = children.begin(); child != children.end(); ++child) {
        if (child->name != kLostAndFound) continue;
        std::vector<Child> inside;
        ext2fs_dir_iterate2(filesystem_, child->inode, 0, nullptr, TakeChild, &inside);
        if (!inside.empty()) break;
        children.erase(child);
        break;
      }
    }
    std::ranges::sort(children, std::greater<>(), &Child::name);
    return children;
  }

  Result<bool> WriteEntry(const Child& child) {
    ext2_inode_large inode = {};
    const errcode_t code = ext2fs_read_inode_full(
        filesystem_, child.inode, reinterpret_cast<ext2_inode*>(&inode), sizeof inode);
    if (code != 0) return BaseError("read " + child.name, code);
    const bool is_directory = LINUX_S_ISDIR(inode.i_mode);
    const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry* made = entry.get();
    archive_entry_copy_pathname(made, (is_directory ? child.name + "/" : child.name).c_str());
    Describe(inode, made);
    const bool is_file = LINUX_S_ISREG(inode.i_mode);
    if (!is_directory && inode.i_links_count > 1) {
      const auto [first, fresh] = first_names_.try_emplace(child.inode, child.name);
      if (!fresh) {
        archive_entry_copy_hardlink(made, first->second.c_str());
        BOXLITE_RETURN_IF_ERROR(WriteHeader(made, child.name));
        return false;
      }
    }
    if (LINUX_S_ISLNK(inode.i_mode)) {
      BOXLITE_ASSIGN_OR_RETURN(std::string target, ReadLink(child, inode));
      archive_entry_copy_symlink(made, target.c_str());
    }
    if (is_file) {
      archive_entry_set_size(made, static_cast<la_int64_t>(EXT2_I_SIZE(&inode)));
    }
    BOXLITE_RETURN_IF_ERROR(AddXattrs(child, made));
    BOXLITE_RETURN_IF_ERROR(WriteHeader(made, child.name));
    if (is_file) BOXLITE_RETURN_IF_ERROR(WriteContent(child));
    return is_directory;
  }

  static void Describe(const ext2_inode_large& inode, archive_entry* entry) {
    archive_entry_set_mode(entry, inode.i_mode);
    archive_entry_set_uid(entry, static_cast<la_int64_t>(inode_uid(inode)));
    archive_entry_set_gid(entry, static_cast<la_int64_t>(inode_gid(inode)));
    // 34 bits of seconds since 1970, and nanoseconds above two of them.
    const auto seconds = static_cast<std::int64_t>(static_cast<std::int32_t>(inode.i_mtime)) +
                         (static_cast<std::int64_t>(inode.i_mtime_extra & 3) << 32);
    archive_entry_set_mtime(entry, seconds, static_cast<long>(inode.i_mtime_extra >> 2));
    if (LINUX_S_ISCHR(inode.i_mode) || LINUX_S_ISBLK(inode.i_mode)) {
      // As the kernel reads it: the old form in the first word, the new one in the second.
      const std::uint32_t old_form = inode.i_block[0];
      const std::uint32_t new_form = inode.i_block[1];
      if (old_form != 0) {
        archive_entry_set_rdevmajor(entry, (old_form >> 8) & 0xff);
        archive_entry_set_rdevminor(entry, old_form & 0xff);
      } else {
        archive_entry_set_rdevmajor(entry, (new_form >> 8) & 0xfff);
        archive_entry_set_rdevminor(entry, (new_form & 0xff) | ((new_form >> 12) & 0xfff00));
      }
    }
  }

  Result<std::string> ReadLink(const Child& child, const ext2_inode_large& inode) {
    const auto size = static_cast<std::size_t>(EXT2_I_SIZE(&inode));
    auto* plain = reinterpret_cast<ext2_inode*>(const_cast<ext2_inode_large*>(&inode));
    if (ext2fs_is_fast_symlink(plain) != 0) {
      return std::string(reinterpret_cast<const char*>(inode.i_block), size);
    }
    std::string target(size, '\0');
    ext2_file_t opened = nullptr;
    errcode_t code = ext2fs_file_open(filesystem_, child.inode, 0, &opened);
    if (code != 0) return BaseError("read the link " + child.name, code);
    const std::unique_ptr<ext2_file, CloseFile> file(opened);
    unsigned got = 0;
    code = ext2fs_file_read(opened, target.data(), static_cast<unsigned>(size), &got);
    if (code != 0 || got != size) return BaseError("read the link " + child.name, code);
    return target;
  }

  Status AddXattrs(const Child& child, archive_entry* entry) {
    ext2_xattr_handle* opened = nullptr;
    errcode_t code = ext2fs_xattrs_open(filesystem_, child.inode, &opened);
    if (code != 0) return BaseError("read the attributes of " + child.name, code);
    const std::unique_ptr<ext2_xattr_handle, CloseXattrs> handle(opened);
    code = ext2fs_xattrs_read(opened);
    if (code != 0) return BaseError("read the attributes of " + child.name, code);
    ext2fs_xattrs_iterate(opened, TakeXattr, entry);
    return {};
  }

  Status WriteHeader(archive_entry* entry, const std::string& name) {
    if (archive_write_header(writer_, entry) == ARCHIVE_OK) return {};
    return WriteError(name);
  }

  Status WriteContent(const Child& child) {
    ext2_file_t opened = nullptr;
    errcode_t code = ext2fs_file_open(filesystem_, child.inode, 0, &opened);
    if (code != 0) return BaseError("open " + child.name, code);
    const std::unique_ptr<ext2_file, CloseFile> file(opened);
    for (;;) {
      unsigned got = 0;
      code = ext2fs_file_read(opened, buffer_.data(), static_cast<unsigned>(buffer_.size()), &got);
      if (code != 0) return BaseError("read " + child.name, code);
      if (got == 0) return {};
      if (archive_write_data(writer_, buffer_.data(), got) != static_cast<la_ssize_t>(got)) {
        return WriteError(child.name);
      }
    }
  }

  Error WriteError(const std::string& name) {
    if (!sink_.status.ok()) return sink_.status.error();
    const char* text = archive_error_string(writer_);
    return Error(ErrorCode::kInternal,
                 "write " + name + " into the archive: " + (text == nullptr ? "failed" : text));
  }

  ext2_filsys filesystem_;
  archive* writer_;
  Sink& sink_;
  std::string buffer_;
  std::unordered_map<ext2_ino_t, std::string> first_names_;
};

Result<std::unique_ptr<archive, FreeWriter>> OpenWriter(Sink& sink) {
  std::unique_ptr<archive, FreeWriter> writer(archive_write_new());
  archive* made = writer.get();
  // Names are bytes; blocks of 512, so that the end is where tar ends.
  if (made == nullptr || archive_write_set_format_pax_restricted(made) != ARCHIVE_OK ||
      archive_write_set_options(made, "hdrcharset=BINARY") != ARCHIVE_OK ||
      archive_write_set_bytes_per_block(made, 64 * 1024) != ARCHIVE_OK ||
      archive_write_set_bytes_in_last_block(made, 512) != ARCHIVE_OK ||
      archive_write_open(made, &sink, nullptr, TakeBytes, nullptr) != ARCHIVE_OK) {
    return Error(ErrorCode::kInternal, "the archive cannot be begun");
  }
  return writer;
}

}  // namespace

Result<ExportedLayer> ExportLayer(int base_fd, int out_fd, int dir_fd) {
  initialize_ext2_error_table();
  ext2_filsys opened = nullptr;
  const std::string path = "/proc/self/fd/" + std::to_string(base_fd);
  const errcode_t code =
      ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &opened);
  if (code != 0) return BaseError("open it", code);
  const std::unique_ptr<struct_ext2_filsys, CloseFilesystem> filesystem(opened);
  Sink sink{out_fd, dir_fd, Sha256(), 0, 0, {}};
  BOXLITE_ASSIGN_OR_RETURN(auto writer, OpenWriter(sink));
  BOXLITE_RETURN_IF_ERROR(Exporter(opened, writer.get(), sink).Run());
  if (archive_write_close(writer.get()) != ARCHIVE_OK) {
    if (!sink.status.ok()) return std::move(sink.status).error();
    return Error(ErrorCode::kInternal, "the archive cannot be ended");
  }
  return ExportedLayer{sink.sum.Finish(), sink.bytes};
}

}  // namespace boxlite

// ImageTree: what the layers that were applied until now make together: names, inodes, and where
// in the base their bytes lie. Layers are applied from the lowest up; the rules are OCI's, and
// where OCI is silent, umoci's.
//
// Nothing is resolved outside of the image: a path's "..", an absolute path and the symbolic links
// among its parents are taken relative to the image's root.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

using InodeId = std::uint32_t;
inline constexpr InodeId kRootInode = 0;
inline constexpr InodeId kNoInode = 0xffffffff;

enum class FileType : std::uint8_t {
  kFile,
  kDirectory,
  kSymlink,
  kCharacterDevice,
  kBlockDevice,
  kFifo
};

struct Attributes {
  std::uint32_t mode = 0;  // the twelve bits of chmod
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mtime_ns = 0;
  std::int64_t mtime_s = 0;
};

struct Xattr {
  std::string name;
  std::string value;
};

// `count` blocks of the base from `physical` are the file's from `logical`.
struct Extent {
  std::uint32_t logical = 0;
  std::uint32_t physical = 0;
  std::uint32_t count = 0;
};

struct Directory;

struct Inode {
  FileType type = FileType::kFile;
  std::uint32_t links = 0;  // names; a directory's are not counted here
  Attributes attributes;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t size = 0;                // kFile
  std::vector<Extent> extents;           // kFile, ascending
  std::string target;                    // kSymlink
  std::vector<Xattr> xattrs;             // sorted by name, which is there once
  std::unique_ptr<Directory> directory;  // kDirectory
};

struct Name {
  InodeId inode = kNoInode;
  std::uint32_t layer = 0;  // that made it; of a directory see `touched`
};

struct Directory {
  InodeId parent = kRootInode;
  std::uint32_t touched = 0;  // the highest layer that has an entry for it or for something in it
  std::map<std::string, Name, std::less<>> names;
};

class ImageTree {
 public:
  // What names and inodes take in memory is held below memory_limit (kResourceExhausted).
  explicit ImageTree(std::uint64_t memory_limit);

  // Everything until the next call is said by the next layer.
  void BeginLayer() { ++layer_; }

  // Each makes missing parents (root's, 0755, of 1970) and replaces what has the name, except that
  // a directory which stays one keeps what is in it.
  Status PutDirectory(std::string_view path, const Attributes& attributes,
                      std::vector<Xattr> xattrs);
  // Any other type; `inode` says what it is. Its extents may be added through GetInode()
  // afterwards.
  Result<InodeId> PutInode(std::string_view path, Inode inode);
  Status PutHardLink(std::string_view path, std::string_view target);

  // True when the last component of `path` says that something is gone.
  static bool IsWhiteout(std::string_view path);
  // Removes what lower layers made; what this layer made stays, whichever came first. Nothing there
  // is fine.
  Status ApplyWhiteout(std::string_view path);

  Inode& GetInode(InodeId id) { return inodes_[id]; }
  const Inode& GetInode(InodeId id) const { return inodes_[id]; }
  std::size_t inode_slots() const { return inodes_.size(); }  // of removed ones too

  // To be called after extents were added to an inode.
  Status CountExtents(std::size_t added);
  // What removed files had, since the last call.
  std::vector<Extent> TakeFreed() { return std::move(freed_); }

 private:
  struct Step {
    std::string_view name;
    InodeId inode = kNoInode;  // none: it is missing
  };
  struct Place {
    InodeId directory = kNoInode;
    std::string_view name;  // empty: the root itself
  };
  using Steps = std::vector<Step>;

  static Result<std::vector<std::string_view>> Components(std::string_view path);
  // The directory that the components lead to, symbolic links resolved.
  Result<Steps> Walk(const std::vector<std::string_view>& components) const;
  // Where `path` is or would be; kNoInode as directory when a parent is missing or is none.
  Result<Place> Find(std::string_view path) const;
  // The same, with parents made and marked as touched.
  Result<Place> MakeParents(std::string_view path);
  InodeId Lookup(InodeId directory, std::string_view name) const;
  Result<InodeId> Add(InodeId directory, std::string_view name, Inode inode);
  Result<InodeId> AddDirectory(InodeId directory, std::string_view name,
                               const Attributes& attributes);
  Status AddName(InodeId directory, std::string_view name, InodeId inode);
  void Touch(InodeId directory);
  void Remove(InodeId directory, std::string_view name);
  void RemoveLower(InodeId directory);
  void DropInode(InodeId id);
  Status Charge(std::uint64_t bytes);

  std::uint64_t memory_limit_;
  std::uint64_t memory_ = 0;
  std::uint32_t layer_ = 0;
  std::deque<Inode> inodes_;  // references stay valid
  std::vector<Extent> freed_;
};

}  // namespace boxlite

#include "boxlite/disk/apply_layer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "boxlite/disk/posix_acl.h"
#include "boxlite/disk/shown_path.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxTarget = 4095;  // what the kernel takes, and what is in one block
// One block for an inode's attributes: its header and an entry of zeros at the end.
constexpr std::size_t kXattrRoom = kBlockBytes - 32 - 4;
constexpr std::size_t kMaxXattrName = 255;

std::size_t RoundUp4(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

enum class Fate { kKeep, kDrop };

// What the kernel would make of setting it: a name space that it does not know or that this type
// of file cannot have leaves nothing behind.
Result<Fate> Judge(const Xattr& xattr, LayerEntry& entry) {
  const bool plain = entry.type == FileType::kFile || entry.type == FileType::kDirectory;
  if (xattr.name.starts_with("user.")) return plain ? Fate::kKeep : Fate::kDrop;
  if (xattr.name.starts_with("trusted.") || xattr.name.starts_with("security.")) {
    return Fate::kKeep;
  }
  const bool access = xattr.name == kAccessAcl;
  if (!access && xattr.name != kDefaultAcl) return Fate::kDrop;
  if (entry.type == FileType::kSymlink || xattr.value.empty()) return Fate::kDrop;
  if (!access && entry.type != FileType::kDirectory) return Fate::kDrop;
  BOXLITE_ASSIGN_OR_RETURN(const AclEffect effect, ReadAcl(xattr.value));
  if (!access) return Fate::kKeep;
  entry.attributes.mode = (entry.attributes.mode & ~0777U) | effect.permissions;
  return effect.minimal ? Fate::kDrop : Fate::kKeep;
}

// Sorted, each name once (the last in the stream counts), no more than ext4 holds.
Result<std::vector<Xattr>> TakeXattrs(LayerEntry& entry) {
  std::vector<Xattr> kept;
  for (Xattr& xattr : entry.xattrs) {
    const std::size_t dot = xattr.name.find('.');
    if (dot == std::string::npos || dot + 1 == xattr.name.size()) continue;
    if (xattr.name.size() > kMaxXattrName) {
      return Error(ErrorCode::kCorrupt, "the name of one of its extended attributes is too long");
    }
    BOXLITE_ASSIGN_OR_RETURN(const Fate fate, Judge(xattr, entry));
    if (fate == Fate::kDrop) continue;
    const auto at =
        std::lower_bound(kept.begin(), kept.end(), xattr,
                         [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
    if (at == kept.end() || at->name != xattr.name) kept.insert(at, std::move(xattr));
  }
  std::size_t room = 0;
  for (const Xattr& xattr : kept) {
    room += 16 + RoundUp4(xattr.name.size()) + RoundUp4(xattr.value.size());
  }
  if (room > kXattrRoom) {
    return Error(ErrorCode::kUnsupported, "its extended attributes take " + std::to_string(room) +
                                              " bytes, more than the " +
                                              std::to_string(kXattrRoom) + " of a block");
  }
  return kept;
}

Status WriteContent(LayerReader& reader, ImageTree& tree, BlockStore& store, InodeId id) {
  ContentWriter content(store, tree, id);
  LayerReader::Piece piece;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const bool more, reader.ReadContent(piece));
    if (!more) return {};
    BOXLITE_RETURN_IF_ERROR(content.Write(piece.offset, piece.bytes));
  }
}

Status SkipContent(LayerReader& reader) {
  LayerReader::Piece piece;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const bool more, reader.ReadContent(piece));
    if (!more) return {};
  }
}

Status ApplyEntry(LayerEntry& entry, LayerReader& reader, ImageTree& tree, BlockStore& store,
                  const ApplyLimits& limits) {
  if (ImageTree::IsWhiteout(entry.path)) {
    BOXLITE_RETURN_IF_ERROR(tree.ApplyWhiteout(entry.path));
    return SkipContent(reader);
  }
  if (entry.hard_link) {
    BOXLITE_RETURN_IF_ERROR(tree.PutHardLink(entry.path, entry.target));
    return SkipContent(reader);
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<Xattr> xattrs, TakeXattrs(entry));
  if (entry.type == FileType::kDirectory) {
    BOXLITE_RETURN_IF_ERROR(tree.PutDirectory(entry.path, entry.attributes, std::move(xattrs)));
    return SkipContent(reader);
  }
  if (entry.size > limits.file_bytes) {
    return Error(ErrorCode::kResourceExhausted, "it says to have " + std::to_string(entry.size) +
                                                    " bytes, more than " +
                                                    std::to_string(limits.file_bytes));
  }
  if (entry.type == FileType::kSymlink && entry.target.empty()) {
    return Error(ErrorCode::kCorrupt, "it is a symbolic link to nothing");
  }
  if (entry.target.size() > kMaxTarget) {
    return Error(ErrorCode::kCorrupt, "it is a symbolic link to a path of " +
                                          std::to_string(entry.target.size()) + " bytes");
  }
  Inode inode;
  inode.type = entry.type;
  inode.attributes = entry.attributes;
  if (entry.type == FileType::kSymlink) inode.attributes.mode = 0777;
  inode.size = entry.size;
  inode.target = std::move(entry.target);
  inode.device_major = entry.device_major;
  inode.device_minor = entry.device_minor;
  inode.xattrs = std::move(xattrs);
  BOXLITE_ASSIGN_OR_RETURN(const InodeId id, tree.PutInode(entry.path, std::move(inode)));
  if (entry.type == FileType::kFile) return WriteContent(reader, tree, store, id);
  return SkipContent(reader);
}

}  // namespace

Status ApplyLayer(LayerReader& reader, ImageTree& tree, BlockStore& store, ApplyLimits& limits) {
  tree.BeginLayer();
  LayerEntry entry;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const bool more, reader.Next(entry));
    if (!more) return {};
    if (limits.entries == 0) {
      return Error(ErrorCode::kResourceExhausted, "the image has too many entries");
    }
    --limits.entries;
    Status applied = ApplyEntry(entry, reader, tree, store, limits);
    if (!applied.ok()) return std::move(applied).error().While(ShownPath(entry.path));
  }
}

}  // namespace boxlite

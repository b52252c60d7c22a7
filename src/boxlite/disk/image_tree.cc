#include "boxlite/disk/image_tree.h"

#include <algorithm>
#include <utility>

#include "boxlite/disk/shown_path.h"

namespace boxlite {
namespace {

constexpr std::string_view kWhiteoutPrefix = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::size_t kMaxPath = 4096;  // PATH_MAX
constexpr std::size_t kMaxName = 255;   // NAME_MAX, and ext4's
// In one path's parents. The same number as umoci's, so that both refuse the same images.
constexpr int kMaxSymlinks = 255;
constexpr std::uint32_t kMaxLinks = 65000;  // ext4's
// A node of a std::map beside its string, an allocation's header with each.
constexpr std::uint64_t kNameBytes = 112;

std::uint64_t MemoryOf(const Inode& inode) {
  std::uint64_t bytes = sizeof(Inode) + inode.target.size();
  for (const Xattr& xattr : inode.xattrs) {
    bytes += sizeof(Xattr) + xattr.name.size() + xattr.value.size();
  }
  bytes += inode.extents.size() * sizeof(Extent);
  if (inode.type == FileType::kDirectory) bytes += sizeof(Directory);
  return bytes;
}

std::string_view LastComponent(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

ImageTree::ImageTree(std::uint64_t memory_limit) : memory_limit_(memory_limit) {
  Inode& root = inodes_.emplace_back();
  root.type = FileType::kDirectory;
  root.attributes.mode = 0755;
  root.directory = std::make_unique<Directory>();
  root.links = 1;
}

Status ImageTree::Charge(std::uint64_t bytes) {
  memory_ += bytes;
  if (memory_ <= memory_limit_) return {};
  return Error(ErrorCode::kResourceExhausted, "the image's names and inodes would take more than " +
                                                  std::to_string(memory_limit_ >> 20) +
                                                  " MiB of memory");
}

Status ImageTree::CountExtents(std::size_t added) { return Charge(added * sizeof(Extent)); }

Result<std::vector<std::string_view>> ImageTree::Components(std::string_view path) {
  if (path.size() > kMaxPath) {
    return Error(ErrorCode::kCorrupt, "the path has " + std::to_string(path.size()) +
                                          " bytes, more than " + std::to_string(kMaxPath));
  }
  std::vector<std::string_view> components;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      // Of the text, not of the tree: what a link points to is not known to who wrote the path.
      if (!components.empty()) components.pop_back();
    } else {
      components.push_back(name);
    }
  }
  return components;
}

InodeId ImageTree::Lookup(InodeId directory, std::string_view name) const {
  if (directory == kNoInode || inodes_[directory].type != FileType::kDirectory) return kNoInode;
  const auto& names = inodes_[directory].directory->names;
  const auto found = names.find(name);
  return found == names.end() ? kNoInode : found->second.inode;
}

Result<ImageTree::Steps> ImageTree::Walk(const std::vector<std::string_view>& components) const {
  Steps steps;
  std::vector<std::string_view> pending(components.rbegin(), components.rend());
  int links = 0;
  while (!pending.empty()) {
    const std::string_view name = pending.back();
    pending.pop_back();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (!steps.empty()) steps.pop_back();
      continue;
    }
    const InodeId inode = Lookup(steps.empty() ? kRootInode : steps.back().inode, name);
    if (inode == kNoInode || inodes_[inode].type != FileType::kSymlink) {
      steps.push_back({name, inode});
      continue;
    }
    if (++links > kMaxSymlinks) {
      return Error(ErrorCode::kCorrupt, "its parents are symbolic links that lead in a circle");
    }
    std::string_view target = inodes_[inode].target;
    if (target.starts_with('/')) steps.clear();
    for (;;) {  // from the end, so that the first component is taken next
      const std::size_t slash = target.rfind('/');
      pending.push_back(slash == std::string_view::npos ? target : target.substr(slash + 1));
      if (slash == std::string_view::npos) break;
      target = target.substr(0, slash);
    }
  }
  return steps;
}

Result<ImageTree::Place> ImageTree::Find(std::string_view path) const {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string_view> components, Components(path));
  Place place;
  if (components.empty()) {
    place.directory = kRootInode;
    return place;
  }
  place.name = components.back();
  components.pop_back();
  BOXLITE_ASSIGN_OR_RETURN(const Steps steps, Walk(components));
  const InodeId directory = steps.empty() ? kRootInode : steps.back().inode;
  if (directory != kNoInode && inodes_[directory].type == FileType::kDirectory) {
    place.directory = directory;
  }
  return place;
}

Result<ImageTree::Place> ImageTree::MakeParents(std::string_view path) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string_view> components, Components(path));
  Place place;
  place.directory = kRootInode;
  if (components.empty()) return place;
  place.name = components.back();
  components.pop_back();
  BOXLITE_ASSIGN_OR_RETURN(const Steps steps, Walk(components));
  for (const Step& step : steps) {
    InodeId next = step.inode;
    if (next == kNoInode) {
      // Two links may have led to the same missing directory.
      next = Lookup(place.directory, step.name);
    }
    if (next == kNoInode) {
      Attributes attributes;
      attributes.mode = 0755;
      BOXLITE_ASSIGN_OR_RETURN(next, AddDirectory(place.directory, step.name, attributes));
    } else if (inodes_[next].type != FileType::kDirectory) {
      return Error(ErrorCode::kCorrupt,
                   "its parent " + ShownPath(step.name) + " is not a directory");
    }
    place.directory = next;
  }
  Touch(place.directory);
  return place;
}

// A directory that was touched has touched parents.
void ImageTree::Touch(InodeId directory) {
  for (Directory* at = inodes_[directory].directory.get(); at->touched != layer_;
       at = inodes_[at->parent].directory.get()) {
    at->touched = layer_;
  }
}

Status ImageTree::AddName(InodeId directory, std::string_view name, InodeId inode) {
  if (name.size() > kMaxName) {
    return Error(ErrorCode::kCorrupt, "the name " + ShownPath(name) + " has " +
                                          std::to_string(name.size()) + " bytes, more than " +
                                          std::to_string(kMaxName));
  }
  BOXLITE_RETURN_IF_ERROR(Charge(kNameBytes + name.size()));
  inodes_[directory].directory->names[std::string(name)] = Name{inode, layer_};
  ++inodes_[inode].links;
  return {};
}

Result<InodeId> ImageTree::Add(InodeId directory, std::string_view name, Inode inode) {
  BOXLITE_RETURN_IF_ERROR(Charge(MemoryOf(inode)));
  const auto id = static_cast<InodeId>(inodes_.size());
  inodes_.push_back(std::move(inode));
  BOXLITE_RETURN_IF_ERROR(AddName(directory, name, id));
  return id;
}

Result<InodeId> ImageTree::AddDirectory(InodeId directory, std::string_view name,
                                        const Attributes& attributes) {
  Inode inode;
  inode.type = FileType::kDirectory;
  inode.attributes = attributes;
  inode.directory = std::make_unique<Directory>();
  inode.directory->parent = directory;
  BOXLITE_ASSIGN_OR_RETURN(const InodeId id, Add(directory, name, std::move(inode)));
  Touch(id);
  return id;
}

Status ImageTree::PutDirectory(std::string_view path, const Attributes& attributes,
                               std::vector<Xattr> xattrs) {
  BOXLITE_ASSIGN_OR_RETURN(const Place place, MakeParents(path));
  InodeId id = place.name.empty() ? kRootInode : Lookup(place.directory, place.name);
  if (id == kNoInode || inodes_[id].type != FileType::kDirectory) {
    if (id != kNoInode) Remove(place.directory, place.name);
    BOXLITE_ASSIGN_OR_RETURN(id, AddDirectory(place.directory, place.name, attributes));
  }
  Inode& inode = inodes_[id];
  memory_ -= MemoryOf(inode);
  inode.attributes = attributes;
  inode.xattrs = std::move(xattrs);
  Touch(id);
  return Charge(MemoryOf(inode));
}

Result<InodeId> ImageTree::PutInode(std::string_view path, Inode inode) {
  BOXLITE_ASSIGN_OR_RETURN(const Place place, MakeParents(path));
  if (place.name.empty()) {
    return Error(ErrorCode::kCorrupt, "the image's root can be nothing but a directory");
  }
  Remove(place.directory, place.name);
  return Add(place.directory, place.name, std::move(inode));
}

Status ImageTree::PutHardLink(std::string_view path, std::string_view target) {
  BOXLITE_ASSIGN_OR_RETURN(const Place place, MakeParents(path));
  if (place.name.empty()) {
    return Error(ErrorCode::kCorrupt, "the image's root can be nothing but a directory");
  }
  // First, as it is done in a real directory: the target may be in what is replaced.
  Remove(place.directory, place.name);
  BOXLITE_ASSIGN_OR_RETURN(const Place aim, Find(target));
  const InodeId id = aim.name.empty() ? aim.directory : Lookup(aim.directory, aim.name);
  if (id == kNoInode) {
    return Error(ErrorCode::kCorrupt,
                 "it is a hard link to " + ShownPath(target) + ", which is not there");
  }
  if (inodes_[id].type == FileType::kDirectory) {
    return Error(ErrorCode::kCorrupt,
                 "it is a hard link to " + ShownPath(target) + ", which is a directory");
  }
  if (inodes_[id].links >= kMaxLinks) {
    return Error(ErrorCode::kUnsupported,
                 ShownPath(target) + " has more than " + std::to_string(kMaxLinks) + " hard links");
  }
  return AddName(place.directory, place.name, id);
}

bool ImageTree::IsWhiteout(std::string_view path) {
  return LastComponent(path).starts_with(kWhiteoutPrefix);
}

Status ImageTree::ApplyWhiteout(std::string_view path) {
  BOXLITE_ASSIGN_OR_RETURN(const Place place, Find(path));
  if (place.name == kOpaque) {
    if (place.directory != kNoInode) RemoveLower(place.directory);
    return {};
  }
  const std::string_view name =
      place.name.substr(std::min(kWhiteoutPrefix.size(), place.name.size()));
  if (name.empty() || name == "." || name == "..") {
    return Error(ErrorCode::kCorrupt, "it is a whiteout that names nothing");
  }
  const InodeId id = Lookup(place.directory, name);
  if (id == kNoInode) return {};
  const Inode& inode = inodes_[id];
  const std::uint32_t made =
      inode.type == FileType::kDirectory
          ? inode.directory->touched
          : inodes_[place.directory].directory->names.find(name)->second.layer;
  if (made != layer_) {
    Remove(place.directory, name);
  } else if (inode.type == FileType::kDirectory) {
    RemoveLower(id);
  }
  return {};
}

// All in `directory` that this layer has not touched.
void ImageTree::RemoveLower(InodeId directory) {
  std::vector<InodeId> pending = {directory};
  while (!pending.empty()) {
    const InodeId at = pending.back();
    pending.pop_back();
    auto& names = inodes_[at].directory->names;
    for (auto entry = names.begin(); entry != names.end();) {
      const auto next = std::next(entry);
      const Inode& inode = inodes_[entry->second.inode];
      const bool is_directory = inode.type == FileType::kDirectory;
      if ((is_directory ? inode.directory->touched : entry->second.layer) != layer_) {
        const std::string name = entry->first;
        Remove(at, name);
      } else if (is_directory) {
        pending.push_back(entry->second.inode);
      }
      entry = next;
    }
  }
}

void ImageTree::DropInode(InodeId id) {
  Inode& inode = inodes_[id];
  if (--inode.links > 0) return;
  // The slot stays, so that numbers of others do.
  memory_ -= MemoryOf(inode) - sizeof(Inode);
  freed_.insert(freed_.end(), inode.extents.begin(), inode.extents.end());
  inode = Inode();
}

void ImageTree::Remove(InodeId directory, std::string_view name) {
  auto& names = inodes_[directory].directory->names;
  const auto found = names.find(name);
  if (found == names.end()) return;
  std::vector<InodeId> pending = {found->second.inode};
  memory_ -= kNameBytes + found->first.size();
  names.erase(found);
  // By hand: a tree may be deeper than a stack.
  while (!pending.empty()) {
    const InodeId id = pending.back();
    pending.pop_back();
    if (inodes_[id].directory != nullptr) {
      for (const auto& [child_name, child] : inodes_[id].directory->names) {
        memory_ -= kNameBytes + child_name.size();
        pending.push_back(child.inode);
      }
    }
    DropInode(id);
  }
}

}  // namespace boxlite

#include "boxlite/store/remove_image.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/base/tree_size.h"

namespace boxlite {
namespace {

constexpr char kTrashDir[] = ".trash";

Error InUse(const std::string& words, const std::string& digest,
            const std::vector<std::string>& boxes) {
  std::string names;
  for (const std::string& box : boxes) names += " " + box;
  return Error(ErrorCode::kConflict,
               "the image " + words + " (" + digest.substr(7, 12) + ") is needed by:" + names +
                   "; remove those first, or take only its name away with -f");
}

std::vector<std::string> NamesOf(const std::vector<ImageTag>& tags, const std::string& digest) {
  std::vector<std::string> names;
  for (const ImageTag& tag : tags) {
    if (tag.image == digest) names.push_back(tag.name);
  }
  return names;
}

std::size_t Repositories(const std::vector<std::string>& names) {
  std::set<std::string> repositories;
  for (const std::string& name : names) {
    Result<Reference> reference = Reference::Parse(name);
    repositories.insert(reference.ok() ? reference->name() : name);
  }
  return repositories.size();
}

}  // namespace

Result<std::vector<std::string>> ImageRemover::BoxesOf(const std::string& digest) const {
  BOXLITE_ASSIGN_OR_RETURN(ImageUsers users, find_users_());
  std::vector<std::string> boxes = users.boxes_by_digest[digest];
  for (const std::string& box : users.unreadable) boxes.push_back(box + " (it cannot be read)");
  return boxes;
}

Result<std::uint64_t> ImageRemover::TakeOut(const std::string& digest) const {
  const std::string name = ImageDirectoryName(digest);
  BOXLITE_ASSIGN_OR_RETURN(Fd trash, OpenDirectory(home_fd_, kTrashDir));
  BOXLITE_ASSIGN_OR_RETURN(std::uint64_t bytes, TreeBytes(store_.images_fd(), name));
  const std::string grave = name + "-" + RandomHex(4);
  if (::renameat2(store_.images_fd(), name.c_str(), trash.get(), grave.c_str(), RENAME_NOREPLACE) !=
      0) {
    return ErrnoError("remove the image " + digest);
  }
  BOXLITE_FAILPOINT("rmi.taken");
  BOXLITE_RETURN_IF_ERROR(RemoveTree(trash.get(), grave));
  return bytes;
}

Result<RemovedImage> ImageRemover::Remove(const std::string& words, bool force) const {
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ImageStore::Found> found, store_.Find(words));
  if (!found) return Error(ErrorCode::kNotFound, "no such image: " + words);
  const std::string& digest = found->digest;
  // A name whose image is gone, by whatever accident.
  if (!store_.Has(digest) && found->tag) {
    BOXLITE_RETURN_IF_ERROR(store_.Untag(found->tag->name));
    return RemovedImage{{found->tag->name}, "", 0};
  }
  BOXLITE_ASSIGN_OR_RETURN(OfdLock alone, store_.HoldAlone(digest));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageTag> tags, store_.Tags());
  const std::vector<std::string> names = NamesOf(tags, digest);
  RemovedImage removed;
  if (found->tag && names.size() > 1) {
    removed.untagged = {found->tag->name};
    BOXLITE_RETURN_IF_ERROR(store_.Untag(found->tag->name));
    return removed;
  }
  if (!found->tag && Repositories(names) > 1 && !force) {
    return Error(ErrorCode::kConflict, "the image " + words +
                                           " has names in several "
                                           "repositories: take them away one by one, or use -f");
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> boxes, BoxesOf(digest));
  if (!boxes.empty() && !force) return InUse(words, digest, boxes);
  for (const std::string& name : names) {
    BOXLITE_RETURN_IF_ERROR(store_.Untag(name));
    removed.untagged.push_back(name);
  }
  BOXLITE_FAILPOINT("rmi.untagged");
  if (!boxes.empty()) return removed;
  BOXLITE_ASSIGN_OR_RETURN(removed.reclaimed_bytes, TakeOut(digest));
  removed.deleted = digest;
  return removed;
}

Result<RemovedImage> ImageRemover::RemoveUnused(const std::string& digest) const {
  BOXLITE_ASSIGN_OR_RETURN(OfdLock alone, store_.HoldAlone(digest));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> boxes, BoxesOf(digest));
  RemovedImage removed;
  if (!boxes.empty()) return removed;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageTag> tags, store_.Tags());
  for (const std::string& name : NamesOf(tags, digest)) {
    BOXLITE_RETURN_IF_ERROR(store_.Untag(name));
    removed.untagged.push_back(name);
  }
  BOXLITE_ASSIGN_OR_RETURN(removed.reclaimed_bytes, TakeOut(digest));
  removed.deleted = digest;
  return removed;
}

}  // namespace boxlite

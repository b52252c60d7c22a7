#include "boxlite/runtime/rename_box.h"

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/verb_lock.h"

namespace boxlite {
namespace {

Result<BoxSpec> ReadSpec(int box_fd) {
  BOXLITE_ASSIGN_OR_RETURN(std::string text, ReadFile(box_fd, kSpecFile, kMaxDocumentBytes));
  return DecodeSpec(text);
}

Status WriteName(int box_fd, BoxSpec spec, const std::string& name) {
  spec.name = name;
  Status written = WriteFileAtomically(box_fd, kSpecFile, EncodeSpec(spec), Durability::kDurable);
  if (written.ok()) return written;
  // Replaced, and only not known to be durable: the box has the name.
  Result<BoxSpec> now = ReadSpec(box_fd);
  return now.ok() && now->name == name ? Status() : std::move(written);
}

}  // namespace

Result<std::optional<BoxId>> FindBySpecName(const Home& home, const std::string& name) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxId> ids, home.ListBoxes());
  for (const BoxId& id : ids) {
    Result<Fd> box = home.OpenBox(id);
    if (!box.ok()) continue;
    Result<BoxSpec> spec = ReadSpec(box->get());
    if (spec.ok() && spec->name == name) return std::optional<BoxId>(id);
  }
  return std::optional<BoxId>();
}

Status RenameBox(const Home& home, const BoxId& id, int box_fd, const std::string& name) {
  BOXLITE_RETURN_IF_ERROR(ValidateName(name));
  BOXLITE_ASSIGN_OR_RETURN(OfdLock names, home.LockNames());
  // A box made with --rm takes itself out without the verb lock.
  if (!IsStillThere(home, id, box_fd)) {
    return Error(ErrorCode::kNotFound, "no such box: " + id.str() + " (it was removed meanwhile)");
  }
  BOXLITE_ASSIGN_OR_RETURN(BoxSpec spec, ReadSpec(box_fd));
  // The index may have been lost, but not the names.
  BOXLITE_ASSIGN_OR_RETURN(std::optional<BoxId> owner, FindBySpecName(home, name));
  if (owner && *owner != id) {
    return Error(ErrorCode::kAlreadyExists, "the name " + name + " is taken by box " +
                                                owner->str() + ": remove it or choose another");
  }
  BOXLITE_RETURN_IF_ERROR(home.ClaimNameLocked(name, id));
  BOXLITE_FAILPOINT("rename.claimed");
  if (spec.name != name) {
    if (Status written = WriteName(box_fd, spec, name); !written.ok()) {
      static_cast<void>(home.ReleaseNamesLocked(id, spec.name).ok());
      return written;
    }
  }
  BOXLITE_FAILPOINT("rename.written");
  // What is left of the old name counts no more, whether or not it can be taken away.
  static_cast<void>(home.ReleaseNamesLocked(id, name).ok());
  BOXLITE_FAILPOINT("rename.released");
  return {};
}

}  // namespace boxlite

#include "boxlite/runtime/remove_box.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"

namespace boxlite {

Status TakeOutBox(const Home& home, const BoxId& id) {
  const std::string grave = id.str() + "-" + RandomHex(4);
  if (::renameat2(home.boxes_fd(), id.str().c_str(), home.trash_fd(), grave.c_str(),
                  RENAME_NOREPLACE) != 0) {
    if (errno == ENOENT) return Error(ErrorCode::kNotFound, "no such box: " + id.str());
    return ErrnoError("remove box " + id.str());
  }
  BOXLITE_FAILPOINT("rm.taken");
  // After the rename: a name whose box is gone is free for anybody, whether or not this succeeds.
  static_cast<void>(home.ReleaseNames(id, /*kept=*/"").ok());
  BOXLITE_FAILPOINT("rm.unnamed");
  return RemoveTree(home.trash_fd(), grave);
}

}  // namespace boxlite

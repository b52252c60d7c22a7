// BoxWatch: tells the shim that its directory was removed under it, or its socket deleted.
#pragma once

#include <kj/async-unix.h>

#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

class BoxWatch {
 public:
  // Watches boxes/ of the home for this box's entry and the box's directory for deletions.
  static Result<kj::Own<BoxWatch>> Create(kj::UnixEventPort& port, int boxes_fd, int box_fd,
                                          std::string box_name);

  // Resolves at the next deletion around the box. kGone: boxes/<id> is not our directory any more,
  // or its lock files were deleted: nobody can find or guard this box, so it must end.
  enum class Change { kGone, kSomethingDeleted };
  kj::Promise<Change> Next();

  BoxWatch(kj::UnixEventPort& port, Fd inotify, int boxes_fd, int box_fd, std::string box_name);

 private:
  bool IsGone() const;

  Fd inotify_;
  kj::UnixEventPort::FdObserver observer_;
  int boxes_fd_;
  int box_fd_;
  std::string box_name_;
};

}  // namespace boxlite

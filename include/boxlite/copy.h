// What Box::CopyIn() and Box::CopyOut() are asked for, and what they tell.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "boxlite/error.h"

BOXLITE_BEGIN_NAMESPACE

// Paths are as in `boxlite cp`: a file goes to the destination, or into it when that is a
// directory; a directory becomes the destination, or goes into it when that is there; with
// SRC/. only what is in it does; DST/ must be a directory. Paths in the box are relative to its
// root, those on the host to the process's working directory.
struct CopyOptions {
  bool follow_link = false;  // a source that is a symbolic link: copy what it points to
  // Owners as they are, by number. Otherwise what is made in the box belongs to the box's user, and
  // what is made on the host to whoever makes it. On the host only root can keep them.
  bool keep_owners = false;
  // Called now and then with the bytes of files so far, and how many there will be (0: not known),
  // on the thread that called, until the copy has returned. The copy does not wait for it. It must
  // not throw.
  std::function<void(std::uint64_t bytes, std::uint64_t total)> on_progress;
};

struct CopyReport {
  std::uint64_t bytes = 0;         // of files
  std::uint64_t skipped = 0;       // sockets, devices and FIFOs that were left out
  std::vector<std::string> notes;  // for a person: what is not as asked for
};

BOXLITE_END_NAMESPACE

// Which images boxes can be made from now: the shipped one and those whose files are in the home.
#pragma once

#include <string>
#include <vector>

#include "boxlite/runtime/documents.h"

namespace boxlite {

struct KnownImage {
  ImageManifest manifest;
  bool shipped = false;
  bool in_home = false;
};

// Reads only. The shipped one first, the others by name. `home_path` and `libexec` as in
// RuntimeOptions. An image that cannot be read is kCorrupt, by its directory's name.
Result<std::vector<KnownImage>> ListImages(const std::string& home_path,
                                           const std::string& libexec);

}  // namespace boxlite

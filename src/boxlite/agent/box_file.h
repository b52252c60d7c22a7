// Small files of the box, whose every name may be a trap: a symlink out, a FIFO, a device, a
// terabyte.
#pragma once

#include <optional>
#include <string>

#include "boxlite/base/result.h"

namespace boxlite {

// The content of `path` below `root_fd`, symlinks followed inside that root only, magic links not
// at all. nullopt: it is absent, or nothing that can be read as a file. kResourceExhausted beyond
// `limit` bytes.
Result<std::optional<std::string>> ReadBoxFile(int root_fd, const std::string& path,
                                               std::size_t limit);

}  // namespace boxlite

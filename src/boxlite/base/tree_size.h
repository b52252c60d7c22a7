// How much of a disk a directory takes.
#pragma once

#include <cstdint>
#include <string>

#include "boxlite/base/result.h"

namespace boxlite {

// Blocks that the files below dir_fd/name occupy, in bytes: a sparse file counts with what is
// written of it, one that vanishes meanwhile with nothing. Follows no symlink.
Result<std::uint64_t> TreeBytes(int dir_fd, const std::string& name);

}  // namespace boxlite

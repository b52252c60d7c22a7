// ExportLayer: what an image's base holds, as the one tar that would make it again.
#pragma once

#include <cstdint>

#include "boxlite/base/result.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

struct ExportedLayer {
  Digest digest;  // of the tar: its diff_id
  std::uint64_t bytes = 0;
};

// Writes a pax tar of the ext4 in `base_fd` (a regular file) to out_fd, at its position: entries in
// the order of their names, with owners, modes, times, extended attributes, hard links, devices and
// fifos. The same base gives the same bytes. Space in dir_fd's filesystem is looked at meanwhile.
Result<ExportedLayer> ExportLayer(int base_fd, int out_fd, int dir_fd);

}  // namespace boxlite

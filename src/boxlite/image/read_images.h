// Which images lie in a layout's directory or in an archive, and where their pieces are. Reads
// manifests and configurations only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boxlite/image/blob_set.h"
#include "boxlite/image/image_source.h"

namespace boxlite {

struct FoundImage {
  ImageSource source;
  std::vector<std::string> names;         // as written there; checked by nobody
  std::optional<Digest> manifest_digest;  // OCI's forms only
};

// docker's archives (manifest.json) and OCI's layouts (oci-layout, index.json), as directory or
// archive; of one that is both, docker's table, which has the names. Of an image for several
// platforms the one for `wanted`. The sources borrow `blobs`. kCorrupt: it is neither, or damaged.
Result<std::vector<FoundImage>> ReadImages(const BlobSet& blobs, const Platform& wanted);

}  // namespace boxlite

// The works that boxlite-image does, one at a time. All block; what is done, and what came of it,
// is told as events. After an error what was finished before it (of several images) stays.
#pragma once

#include "boxlite/image/image_source.h"
#include "boxlite/store/image_request.h"
#include "boxlite/store/image_store.h"

namespace boxlite {

struct WorkPlace {
  const ImageStore& store;
  int home_fd;  // registries.json
  int data_fd;  // what is loaded, imported, or written to
  TellEvent tell;
};

// From a registry: one image, by the name that it is then found by.
Status PullImage(const WorkPlace& place, const ImageRequest& request);

// All images of a layout's directory or of an archive.
Status LoadImages(const WorkPlace& place, const ImageRequest& request);

// One image of one layer: a tar of a filesystem, maybe compressed. Its configuration is empty but
// for request.changes.
Status ImportImage(const WorkPlace& place, const ImageRequest& request);

// An archive that is docker's and OCI's at once, to data_fd. The layers that an image came in are
// not kept: it is written as one layer, of what its base holds; so it is another image, with the
// same files and configuration, and the same bytes each time.
Status SaveImages(const WorkPlace& place, const ImageRequest& request);

Status LoginTo(const WorkPlace& place, const ImageRequest& request);
Status LogoutFrom(const WorkPlace& place, const ImageRequest& request);

}  // namespace boxlite

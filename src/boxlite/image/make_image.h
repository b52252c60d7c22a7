// From a source to an image in the store: one process makes it, whatever others want it too.
#pragma once

#include <string>

#include "boxlite/image/image_source.h"
#include "boxlite/store/image_making.h"
#include "boxlite/store/image_store.h"

namespace boxlite {

struct MadeImage {
  std::string digest;
  bool fresh = false;  // it was not there before
};

// Blocks. Space is looked at before and while it is written. After an error nothing of it is seen.
Result<MadeImage> MakeImage(const ImageStore& store, const ImageSource& source,
                            const Platform& wanted, const TellEvent& tell);

// A layer that counts and that stops the work before the disk is full.
std::unique_ptr<ByteSource> NewGuardedSource(std::unique_ptr<ByteSource> source, int dir_fd,
                                             std::string what);

// Passes a base's progress on as events, not more often than eyes follow.
ProgressCallback TellProgress(const TellEvent& tell);

// Of a platform's text, or BoxPlatform() for none.
Result<Platform> WantedPlatform(const std::string& text);

}  // namespace boxlite

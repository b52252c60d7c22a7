// The helper program boxlite-image at work for us: it downloads, verifies, unpacks and writes what
// strangers have made. It dies with the thread that called.
#pragma once

#include <functional>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/store/image_request.h"

namespace boxlite {

// What the helper tells meanwhile; kDone and kFailed are not passed on.
using ImageEventSink = std::function<void(const ImageEvent&)>;

struct HelperCall {
  std::string libexec;
  int home_fd = -1;
  int data_fd = -1;  // of ImageRequest's work; -1: none
};

// Blocks until it has done the work; interruptible (base/interrupt.h), and then the helper is
// killed, which leaves nothing that is seen. The request, with its secrets, goes through a pipe.
Status RunImageHelper(const HelperCall& call, const ImageRequest& request,
                      const ImageEventSink& sink);

}  // namespace boxlite

// ImageSource: one image as an archive, a layout or a registry gives it, before it is in the store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "boxlite/disk/write_base.h"
#include "boxlite/image/blob_set.h"
#include "boxlite/oci/config.h"
#include "boxlite/oci/manifest.h"
#include "boxlite/store/image_request.h"

namespace boxlite {

struct ImageSource {
  std::string what;      // for messages: "debian:12", "the image app:1 of the archive"
  std::string config;    // bytes; their digest is the image's
  std::string manifest;  // bytes; empty where there is none
  std::vector<ImageLayer> layers;
  // The bytes as stored, verified against what the source says of them; of any thread.
  std::function<Result<std::unique_ptr<ByteSource>>(std::size_t)> open_layer;
  Arrival arrival = Arrival::kReadWhenNeeded;
};

// Where what is said of the work goes; called from one thread at a time.
using TellEvent = std::function<void(const ImageEvent&)>;

// Whether boxes can run it: an operating system and a processor that are others are kUnsupported.
// `wanted`: the platform that was asked for, else BoxPlatform().
Status CheckConfig(const ImageConfig& config, const ImageSource& source, const Platform& wanted);

}  // namespace boxlite

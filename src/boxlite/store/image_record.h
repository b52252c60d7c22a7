// The documents of the image store: image.json of an image, and the small file of a tag. Decoding
// is strict: what is not exactly such a document is kCorrupt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/oci/config.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

// Larger files are not ours.
inline constexpr std::size_t kMaxImageRecordBytes = 16 * 1024 * 1024;

// An image as the store knows it.
struct StoredImage {
  std::string digest;  // "sha256:<hex>": its id, of its configuration's bytes
  std::string name;    // of the shipped image; others have tags
  ImageConfig config;
  std::int64_t stored_ns = 0;  // since 1970; 0: not known
};

std::string EncodeImage(const StoredImage& image);
Result<StoredImage> DecodeImage(std::string_view json);

// A name for an image. Many may name one.
struct ImageTag {
  std::string name;                // Reference::Full(): "docker.io/library/debian:12"
  std::string image;               // StoredImage::digest
  std::optional<Digest> manifest;  // what a registry calls it; absent for images from elsewhere
  bool searched = false;  // it was asked for without a registry, and found where the name says
  std::int64_t tagged_ns = 0;
};

std::string EncodeTag(const ImageTag& tag);
Result<ImageTag> DecodeTag(std::string_view json);

}  // namespace boxlite

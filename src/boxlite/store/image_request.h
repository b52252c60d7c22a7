// What the runtime and the helper program boxlite-image say to each other: one request on the
// helper's stdin, then one line of JSON an event on its other end. Both are of one build.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

// The helper's descriptors.
inline constexpr int kHelperRequestFd = 0;
inline constexpr int kHelperEventsFd = 1;
inline constexpr int kHelperHomeFd = 3;
inline constexpr int kHelperDataFd = 4;  // what is loaded or imported, or where it is saved to

enum class ImageWork { kPull, kLoad, kImport, kSave, kLogin, kLogout };

struct ImageRequest {
  ImageWork work = ImageWork::kPull;
  // kPull: one reference. kLoad: at most one, in place of the archive's own names. kImport: at most
  // one. kSave: at least one, as ImageStore::Find() takes them.
  std::vector<std::string> names;
  std::string platform;              // kPull, kLoad, kImport; empty: what boxes run
  bool anonymous = false;            // kLoad: give no names
  std::string only;                  // kLoad: of a layout's images that with this name; empty: all
  std::string config_file;           // of registries; empty: the home's
  std::vector<std::string> changes;  // kImport: lines as of a Dockerfile
  std::string message;               // kImport
  std::string host, user, password;  // kLogin, kLogout
};

std::string EncodeRequest(const ImageRequest& request);
Result<ImageRequest> DecodeRequest(std::string_view json);

enum class ImageEventKind {
  kStatus,  // text: something that takes a moment
  kLayers,  // layers: of the image that is being made now
  kLayer,   // index, bytes, done
  kImage,   // digest, names, manifest, fresh: an image is there
  kDone,    // the last one; text: what is to be said of it
  kFailed,  // the last one; code, text
};

struct ImageLayer {
  std::string digest;       // as the source names it; may be empty
  std::uint64_t bytes = 0;  // as stored; 0: not known
};

struct ImageEvent {
  ImageEventKind kind = ImageEventKind::kStatus;
  std::string text;
  std::vector<ImageLayer> layers;
  std::size_t index = 0;
  std::uint64_t bytes = 0;
  bool done = false;
  std::string digest;
  std::vector<std::string> names;  // full
  std::string manifest;            // what the registry calls it; may be empty
  bool fresh = false;              // it was not there before
  ErrorCode code = ErrorCode::kInternal;
};

// One line, with its end.
std::string EncodeEvent(const ImageEvent& event);
Result<ImageEvent> DecodeEvent(std::string_view line);

}  // namespace boxlite

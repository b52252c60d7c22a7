// What the user asked of images, as plain values, one a verb; and the pure functions that read them
// off the command line. Errors as in requests.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boxlite/cli/arguments.h"
#include "boxlite/cli/image_filter.h"
#include "boxlite/cli/requests.h"
#include "boxlite/runtime/images.h"

namespace boxlite::cli {

struct ImagesRequest {
  bool ids_only = false;
  bool whole = false;
  bool digests = false;
  ImageFilter filter;
  Format format = Format::kTable;
  std::string template_text;
};
Result<ImagesRequest> ParseImages(const Arguments& arguments);

struct PullRequest {
  PullOptions options;
  bool quiet = false;
};
Result<PullRequest> ParsePull(const Arguments& arguments);

struct LoadRequest {
  LoadOptions options;
  bool quiet = false;
};
Result<LoadRequest> ParseLoad(const Arguments& arguments);

Result<ImportOptions> ParseImport(const Arguments& arguments);

struct SaveRequest {
  std::vector<std::string> images;
  std::string path;  // empty: stdout
};
Result<SaveRequest> ParseSave(const Arguments& arguments);

struct RemoveImageRequest {
  std::vector<std::string> images;
  bool force = false;
};
Result<RemoveImageRequest> ParseRemoveImage(const Arguments& arguments);

struct TagRequest {
  std::string image;
  std::string name;
};
Result<TagRequest> ParseTag(const Arguments& arguments);

struct InspectImageRequest {
  std::vector<std::string> images;
  Format format = Format::kJson;
  std::string template_text;
};
Result<InspectImageRequest> ParseInspectImage(const Arguments& arguments);

struct HistoryRequest {
  std::string image;
  bool ids_only = false;
  bool whole = false;
  Format format = Format::kTable;
};
Result<HistoryRequest> ParseHistory(const Arguments& arguments);

struct PruneImagesRequest {
  bool all = false;
  bool force = false;
  ImageFilter filter;
};
Result<PruneImagesRequest> ParsePruneImages(const Arguments& arguments);

struct CollectRequest {
  bool dry_run = false;
};
Result<CollectRequest> ParseCollect(const Arguments& arguments);

struct LoginRequest {
  std::string host;
  std::optional<std::string> user;
  std::optional<std::string> password;
  bool password_on_stdin = false;
  std::string config_file;
};
Result<LoginRequest> ParseLogin(const Arguments& arguments);
Result<LoginRequest> ParseLogout(const Arguments& arguments);

}  // namespace boxlite::cli

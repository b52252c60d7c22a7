// An image's configuration: what its programs get, and how it was made. From strangers' bytes, so
// bounded; strings with a NUL in them are refused, for no program could be given them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/oci/digest.h"
#include "boxlite/oci/manifest.h"

namespace boxlite {

inline constexpr std::size_t kMaxConfigBytes = 8 * 1024 * 1024;

// One step of how it was made, oldest first.
struct HistoryStep {
  std::string created;  // RFC 3339, as written; may be empty
  std::string created_by;
  std::string comment;
  bool empty_layer = false;
};

struct ImageConfig {
  Platform platform;
  std::string created;  // RFC 3339, as written; may be empty
  std::string author;
  std::vector<std::string> env;  // KEY=VALUE
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::string working_dir;
  std::string user;
  std::string stop_signal;
  std::set<std::string> volumes;
  std::set<std::string> exposed_ports;  // "80/tcp"
  std::map<std::string, std::string> labels;
  std::vector<Digest> diff_ids;  // of the layers' tars, lowest first
  std::vector<HistoryStep> history;
};

// Both OCI's and docker's form (they are the same but for members that do not matter here).
// kCorrupt for bytes that are none. Whoever has the layers compares their number with diff_ids.
Result<ImageConfig> ParseConfig(std::string_view json);

// A configuration as OCI writes it, deterministic; ParseConfig() of it gives the same value.
std::string EncodeConfig(const ImageConfig& config);

}  // namespace boxlite

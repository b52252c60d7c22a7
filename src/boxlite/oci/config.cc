#include "boxlite/oci/config.h"

#include <algorithm>

#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxItems = 10'000;  // of any list: no program could be started with more

Error Corrupt(const std::string& message) { return Error(ErrorCode::kCorrupt, message); }

const Json* Member(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> TextOf(const Json& json, const char* key) {
  const Json* member = Member(json, key);
  if (member == nullptr) return std::string();
  std::string text = member->get<std::string>();
  if (text.find('\0') != std::string::npos) return Corrupt(std::string(key) + " has a NUL in it");
  return text;
}

Result<std::vector<std::string>> ListOf(const Json& json, const char* key) {
  const Json* member = Member(json, key);
  std::vector<std::string> list;
  if (member == nullptr) return list;
  // Old builders wrote a list of one as its element.
  list = member->is_string() ? std::vector{member->get<std::string>()}
                             : member->get<std::vector<std::string>>();
  if (list.size() > kMaxItems) return Corrupt(std::string(key) + " has absurdly many entries");
  if (std::ranges::any_of(
          list, [](const std::string& item) { return item.find('\0') != std::string::npos; })) {
    return Corrupt(std::string(key) + " has a NUL in it");
  }
  return list;
}

// {"/data": {}, ...}: the keys matter. Some builders write a list.
Result<std::set<std::string>> KeysOf(const Json& json, const char* key) {
  std::set<std::string> keys;
  const Json* member = Member(json, key);
  if (member == nullptr) return keys;
  if (member->is_array()) {
    BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> list, ListOf(json, key));
    keys.insert(list.begin(), list.end());
    return keys;
  }
  if (!member->is_object()) return Corrupt(std::string(key) + " is no object");
  if (member->size() > kMaxItems) return Corrupt(std::string(key) + " has absurdly many entries");
  for (const auto& [name, unused] : member->items()) keys.insert(name);
  return keys;
}

Status TakeProgram(const Json& json, ImageConfig& config) {
  BOXLITE_ASSIGN_OR_RETURN(config.env, ListOf(json, "Env"));
  BOXLITE_ASSIGN_OR_RETURN(config.entrypoint, ListOf(json, "Entrypoint"));
  BOXLITE_ASSIGN_OR_RETURN(config.command, ListOf(json, "Cmd"));
  BOXLITE_ASSIGN_OR_RETURN(config.working_dir, TextOf(json, "WorkingDir"));
  BOXLITE_ASSIGN_OR_RETURN(config.user, TextOf(json, "User"));
  BOXLITE_ASSIGN_OR_RETURN(config.stop_signal, TextOf(json, "StopSignal"));
  BOXLITE_ASSIGN_OR_RETURN(config.volumes, KeysOf(json, "Volumes"));
  BOXLITE_ASSIGN_OR_RETURN(config.exposed_ports, KeysOf(json, "ExposedPorts"));
  if (const Json* labels = Member(json, "Labels")) {
    config.labels = labels->get<std::map<std::string, std::string>>();
    if (config.labels.size() > kMaxItems) return Corrupt("Labels has absurdly many entries");
  }
  return {};
}

Status TakeLayers(const Json& json, ImageConfig& config) {
  const Json* rootfs = Member(json, "rootfs");
  if (rootfs == nullptr) return {};
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> ids, ListOf(*rootfs, "diff_ids"));
  if (ids.size() > kMaxLayers) {
    return Corrupt(std::to_string(ids.size()) + " layers are more than any image has (" +
                   std::to_string(kMaxLayers) + ")");
  }
  for (const std::string& id : ids) {
    BOXLITE_ASSIGN_OR_RETURN(Digest digest, Digest::Parse(id));
    config.diff_ids.push_back(std::move(digest));
  }
  return {};
}

Status TakeHistory(const Json& json, ImageConfig& config) {
  const Json* history = Member(json, "history");
  if (history == nullptr) return {};
  if (!history->is_array() || history->size() > kMaxItems) return Corrupt("its history is absurd");
  for (const Json& entry : *history) {
    HistoryStep step;
    BOXLITE_ASSIGN_OR_RETURN(step.created, TextOf(entry, "created"));
    BOXLITE_ASSIGN_OR_RETURN(step.created_by, TextOf(entry, "created_by"));
    BOXLITE_ASSIGN_OR_RETURN(step.comment, TextOf(entry, "comment"));
    step.empty_layer = entry.value("empty_layer", false);
    config.history.push_back(std::move(step));
  }
  return {};
}

Result<ImageConfig> ConfigOf(const Json& json) {
  ImageConfig config;
  BOXLITE_ASSIGN_OR_RETURN(config.platform.os, TextOf(json, "os"));
  BOXLITE_ASSIGN_OR_RETURN(config.platform.architecture, TextOf(json, "architecture"));
  BOXLITE_ASSIGN_OR_RETURN(config.platform.variant, TextOf(json, "variant"));
  BOXLITE_ASSIGN_OR_RETURN(config.created, TextOf(json, "created"));
  BOXLITE_ASSIGN_OR_RETURN(config.author, TextOf(json, "author"));
  if (const Json* program = Member(json, "config")) {
    if (!program->is_object()) return Corrupt("its part \"config\" is no object");
    BOXLITE_RETURN_IF_ERROR(TakeProgram(*program, config));
  }
  BOXLITE_RETURN_IF_ERROR(TakeLayers(json, config));
  BOXLITE_RETURN_IF_ERROR(TakeHistory(json, config));
  return config;
}

Json Keys(const std::set<std::string>& keys) {
  Json json = Json::object();
  for (const std::string& key : keys) json[key] = Json::object();
  return json;
}

void PutUnlessEmpty(Json& json, const char* key, const auto& value) {
  if (!value.empty()) json[key] = value;
}

Json ProgramJson(const ImageConfig& config) {
  Json program = Json::object();
  PutUnlessEmpty(program, "Env", config.env);
  PutUnlessEmpty(program, "Entrypoint", config.entrypoint);
  PutUnlessEmpty(program, "Cmd", config.command);
  PutUnlessEmpty(program, "WorkingDir", config.working_dir);
  PutUnlessEmpty(program, "User", config.user);
  PutUnlessEmpty(program, "StopSignal", config.stop_signal);
  PutUnlessEmpty(program, "Volumes", Keys(config.volumes));
  PutUnlessEmpty(program, "ExposedPorts", Keys(config.exposed_ports));
  PutUnlessEmpty(program, "Labels", config.labels);
  return program;
}

}  // namespace

Result<ImageConfig> ParseConfig(std::string_view text) {
  const std::string what = "the image's configuration";
  BOXLITE_ASSIGN_OR_RETURN(Json json, ParseBoundedJson(what, text, kMaxConfigBytes));
  if (!json.is_object()) return Corrupt(what + " is no JSON object");
  Result<ImageConfig> config = DecodeJson<ImageConfig>(what, json, ConfigOf);
  if (!config.ok()) return std::move(config).error().While("read " + what);
  return config;
}

std::string EncodeConfig(const ImageConfig& config) {
  Json json = {{"os", config.platform.os},
               {"architecture", config.platform.architecture},
               {"config", ProgramJson(config)}};
  PutUnlessEmpty(json, "variant", config.platform.variant);
  PutUnlessEmpty(json, "created", config.created);
  PutUnlessEmpty(json, "author", config.author);
  Json ids = Json::array();
  for (const Digest& id : config.diff_ids) ids.push_back(id.text());
  json["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(ids)}};
  for (const HistoryStep& step : config.history) {
    Json entry = Json::object();
    PutUnlessEmpty(entry, "created", step.created);
    PutUnlessEmpty(entry, "created_by", step.created_by);
    PutUnlessEmpty(entry, "comment", step.comment);
    if (step.empty_layer) entry["empty_layer"] = true;
    json["history"].push_back(std::move(entry));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace boxlite

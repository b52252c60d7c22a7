#include "boxlite/registry/registry_config.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <set>

#include "boxlite/base/files.h"
#include "boxlite/oci/bounded_json.h"
#include "boxlite/oci/reference.h"
#include "boxlite/registry/challenge.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxFile = 1024 * 1024;
constexpr char kHomeFile[] = "registries.json";

Error Wrong(const std::string& why) { return {ErrorCode::kInvalidArgument, why}; }

Status OnlyKeys(const Json& json, const std::string& where,
                std::initializer_list<std::string_view> known) {
  if (!json.is_object()) return Wrong(where + " is no object");
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    std::string all;
    for (const std::string_view name : known) all += (all.empty() ? "" : ", ") + std::string(name);
    return Wrong(where + " has an unknown key '" + key + "'; it may have: " + all);
  }
  return {};
}

Result<bool> BoolAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return false;
  if (!found->is_boolean()) return Wrong(std::string(key) + " is neither true nor false");
  return found->get<bool>();
}

Result<std::string> TextAt(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return std::string();
  if (!found->is_string()) return Wrong(std::string(key) + " is no text");
  return found->get<std::string>();
}

Result<std::string> NeededText(const Json& json, const char* key) {
  BOXLITE_ASSIGN_OR_RETURN(std::string text, TextAt(json, key));
  if (text.empty()) return Wrong(std::string(key) + " is missing");
  return text;
}

Result<Credential> ReadAuth(const Json& json) {
  BOXLITE_RETURN_IF_ERROR(OnlyKeys(json, "auth", {"type", "username", "password", "token"}));
  BOXLITE_ASSIGN_OR_RETURN(const std::string type, NeededText(json, "type"));
  Credential credential;
  if (type == "anonymous") {
    BOXLITE_RETURN_IF_ERROR(OnlyKeys(json, "auth of the type anonymous", {"type"}));
  } else if (type == "basic") {
    BOXLITE_RETURN_IF_ERROR(
        OnlyKeys(json, "auth of the type basic", {"type", "username", "password"}));
    credential.kind = Credential::Kind::kPassword;
    BOXLITE_ASSIGN_OR_RETURN(credential.user, NeededText(json, "username"));
    BOXLITE_ASSIGN_OR_RETURN(credential.secret, NeededText(json, "password"));
    if (credential.user.find(':') != std::string::npos) return Wrong("username has a ':' in it");
  } else if (type == "bearer") {
    BOXLITE_RETURN_IF_ERROR(OnlyKeys(json, "auth of the type bearer", {"type", "token"}));
    credential.kind = Credential::Kind::kRegistryToken;
    BOXLITE_ASSIGN_OR_RETURN(credential.secret, NeededText(json, "token"));
    if (!IsTokenText(credential.secret)) return Wrong("token has characters that no token has");
  } else {
    return Wrong("the auth type '" + type + "' is none of anonymous, basic and bearer");
  }
  return credential;
}

Result<std::vector<std::string>> ReadMirrors(const Json& json, const std::string& host) {
  if (!json.is_array()) return Wrong("mirrors is no list");
  std::vector<std::string> mirrors;
  for (const Json& item : json) {
    if (!item.is_string()) return Wrong("mirrors has something in it that is no text");
    BOXLITE_ASSIGN_OR_RETURN(std::string mirror, ParseRegistryHost(item.get<std::string>()));
    if (mirror == host) return Wrong("a registry is no mirror of itself");
    mirrors.push_back(std::move(mirror));
  }
  return mirrors;
}

Result<RegistryEntry> ReadEntry(const Json& json) {
  BOXLITE_RETURN_IF_ERROR(
      OnlyKeys(json, "the entry",
               {"host", "transport", "skip_verify", "search", "auth", "mirrors", "ca_file"}));
  RegistryEntry entry;
  BOXLITE_ASSIGN_OR_RETURN(const std::string host, NeededText(json, "host"));
  BOXLITE_ASSIGN_OR_RETURN(entry.host, ParseRegistryHost(host));
  BOXLITE_ASSIGN_OR_RETURN(const std::string transport, TextAt(json, "transport"));
  if (!transport.empty() && transport != "https" && transport != "http") {
    return Wrong("the transport '" + transport + "' is neither https nor http");
  }
  entry.transport = transport == "http" ? Transport::kHttp : Transport::kHttps;
  BOXLITE_ASSIGN_OR_RETURN(entry.skip_verify, BoolAt(json, "skip_verify"));
  BOXLITE_ASSIGN_OR_RETURN(entry.search, BoolAt(json, "search"));
  BOXLITE_ASSIGN_OR_RETURN(entry.ca_file, TextAt(json, "ca_file"));
  if (!entry.ca_file.empty() && entry.ca_file.front() != '/') {
    return Wrong("ca_file is no absolute path");
  }
  if (entry.transport == Transport::kHttp && (entry.skip_verify || !entry.ca_file.empty())) {
    return Wrong("skip_verify and ca_file mean nothing where the transport is http");
  }
  if (const auto auth = json.find("auth"); auth != json.end()) {
    BOXLITE_ASSIGN_OR_RETURN(entry.auth, ReadAuth(*auth));
  }
  if (const auto mirrors = json.find("mirrors"); mirrors != json.end()) {
    BOXLITE_ASSIGN_OR_RETURN(entry.mirrors, ReadMirrors(*mirrors, entry.host));
  }
  return entry;
}

Result<RegistryConfig> ReadConfig(const Json& json) {
  BOXLITE_RETURN_IF_ERROR(OnlyKeys(json, "the file", {"registries"}));
  RegistryConfig config;
  const auto list = json.find("registries");
  if (list == json.end()) return config;
  if (!list->is_array()) return Wrong("registries is no list");
  std::set<std::string> hosts;
  for (const Json& item : *list) {
    const std::string where = "registries[" + std::to_string(config.registries.size()) + "]";
    if (item.is_string()) {
      return Wrong(where + " is a text; write {\"host\": ...}, with \"search\": true to search it");
    }
    Result<RegistryEntry> entry = ReadEntry(item);
    if (!entry.ok()) return std::move(entry).error().While(where);
    if (!hosts.insert(entry->host).second) {
      return Wrong(where + ": there are two entries for " + entry->host);
    }
    config.registries.push_back(std::move(*entry));
  }
  return config;
}

}  // namespace

RegistryEntry RegistryConfig::For(const std::string& host) const {
  const auto found = std::ranges::find(registries, host, &RegistryEntry::host);
  if (found != registries.end()) return *found;
  RegistryEntry entry;
  entry.host = host;
  return entry;
}

std::vector<std::string> RegistryConfig::SearchOrder() const {
  std::vector<std::string> order;
  for (const RegistryEntry& entry : registries) {
    if (entry.search) order.push_back(entry.host);
  }
  if (order.empty()) order.emplace_back(kDockerHub);
  return order;
}

Status RegistryConfig::AddSearched(std::string_view host) {
  BOXLITE_ASSIGN_OR_RETURN(const std::string name, ParseRegistryHost(host));
  RegistryEntry entry = For(name);
  entry.search = true;
  std::erase_if(registries, [&](const RegistryEntry& other) { return other.host == name; });
  registries.insert(registries.begin(), std::move(entry));
  return {};
}

Result<RegistryConfig> ParseRegistryConfig(std::string_view json, const std::string& origin) {
  Result<Json> parsed = ParseBoundedJson(origin, json, kMaxFile);
  if (!parsed.ok()) return Wrong(parsed.error().message());
  Result<RegistryConfig> config = ReadConfig(*parsed);
  if (!config.ok()) return std::move(config).error().While(origin);
  return config;
}

Result<RegistryConfig> ReadRegistryConfig(const std::string& path) {
  // A user's file may be a symlink.
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return ErrnoError("find " + path);
  const std::string found(real);
  std::free(real);
  BOXLITE_ASSIGN_OR_RETURN(const std::string text, ReadFile(AT_FDCWD, found, kMaxFile));
  return ParseRegistryConfig(text, path);
}

Result<RegistryConfig> ReadRegistryConfigOfHome(int home_fd) {
  BOXLITE_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                           ReadFileIfExists(home_fd, kHomeFile, kMaxFile));
  if (!text) return RegistryConfig();
  return ParseRegistryConfig(*text, kHomeFile);
}

}  // namespace boxlite

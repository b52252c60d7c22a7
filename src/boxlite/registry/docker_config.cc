#include "boxlite/registry/docker_config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "boxlite/base/base64.h"
#include "boxlite/base/files.h"
#include "boxlite/oci/bounded_json.h"
#include "boxlite/oci/reference.h"
#include "boxlite/registry/challenge.h"
#include "boxlite/registry/client.h"

namespace boxlite {
namespace {

// Keeps the order of the user's file.
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxFile = 4 * 1024 * 1024;
constexpr char kFile[] = "config.json";
constexpr char kHubServer[] = "https://index.docker.io/v1/";

std::string TextAt(const Json& json, const char* key) {
  if (!json.is_object()) return {};
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Error Unreadable(const std::string& host) {
  return {ErrorCode::kInvalidArgument, "docker's config.json has credentials for " + host +
                                           " that cannot be read: boxlite login " + host};
}

Result<std::optional<Credential>> FromEntry(const Json& entry, const std::string& host) {
  if (!entry.is_object()) return Unreadable(host);
  Credential credential;
  if (credential.secret = TextAt(entry, "registrytoken"); !credential.secret.empty()) {
    if (!IsTokenText(credential.secret)) return Unreadable(host);
    credential.kind = Credential::Kind::kRegistryToken;
    return std::optional(credential);
  }
  credential.user = TextAt(entry, "username");
  credential.secret = TextAt(entry, "password");
  if (const std::string auth = TextAt(entry, "auth"); !auth.empty()) {
    std::optional<std::string> both = Base64Decode(auth);
    const std::size_t colon = both ? both->find(':') : std::string::npos;
    if (colon == std::string::npos || colon == 0) return Unreadable(host);
    credential.user = both->substr(0, colon);
    credential.secret = both->substr(colon + 1);
    // Old dockers padded it with null bytes.
    credential.secret.erase(credential.secret.find_last_not_of('\0') + 1);
  }
  if (const std::string token = TextAt(entry, "identitytoken"); !token.empty()) {
    credential.kind = Credential::Kind::kRefreshToken;
    credential.secret = token;
    return std::optional(credential);
  }
  if (credential.user.empty()) return std::optional<Credential>();
  credential.kind = Credential::Kind::kPassword;
  return std::optional(credential);
}

// Where config.json really is: it may be a symlink into a directory of dotfiles.
struct Place {
  std::string directory;
  std::string name;
};

Result<Place> PlaceOf(const std::string& directory) {
  const std::string path = directory + "/" + kFile;
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) {
    if (errno == ENOENT) return Place{directory, kFile};
    return ErrnoError("find " + path);
  }
  const std::string found(real);
  std::free(real);
  const std::size_t slash = found.rfind('/');
  return Place{slash == 0 ? "/" : found.substr(0, slash), found.substr(slash + 1)};
}

}  // namespace

struct DockerConfig::Document {
  Json json = Json::object();
};

DockerConfig::DockerConfig() : document_(std::make_unique<Document>()) {}
DockerConfig::~DockerConfig() = default;
DockerConfig::DockerConfig(DockerConfig&&) noexcept = default;
DockerConfig& DockerConfig::operator=(DockerConfig&&) noexcept = default;

std::string DockerServerName(const std::string& host) {
  return host == kDockerHub ? kHubServer : host;
}

std::string HostOfServerName(std::string_view server) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (server.starts_with(scheme)) server.remove_prefix(scheme.size());
  }
  std::string host(server.substr(0, server.find('/')));
  std::ranges::transform(host, host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool hub = host == "index.docker.io" || host == "registry-1.docker.io";
  return hub ? std::string(kDockerHub) : host;
}

Result<DockerConfig> DockerConfig::Parse(std::string_view json, const std::string& origin) {
  // Looked at first: the parser below has no bounds. Its messages would show secrets.
  if (!ParseBoundedJson(origin, json, kMaxFile).ok()) {
    return Error(ErrorCode::kInvalidArgument, origin + " is no JSON that can be read");
  }
  DockerConfig config;
  config.document_->json = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!config.document_->json.is_object()) {
    return Error(ErrorCode::kInvalidArgument, origin + " is no JSON object");
  }
  for (const char* section : {"auths", "credHelpers"}) {
    const auto found = config.document_->json.find(section);
    if (found != config.document_->json.end() && !found->is_object() && !found->is_null()) {
      return Error(ErrorCode::kInvalidArgument, origin + ": " + section + " is no object");
    }
  }
  return config;
}

Result<DockerConfig> DockerConfig::Read(const std::string& directory) {
  if (directory.empty()) return DockerConfig();
  BOXLITE_ASSIGN_OR_RETURN(const Place place, PlaceOf(directory));
  const std::string path = place.directory + "/" + place.name;
  BOXLITE_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                           ReadFileIfExists(AT_FDCWD, path, kMaxFile));
  if (!text || text->find_first_not_of(" \t\r\n") == std::string::npos) return DockerConfig();
  return Parse(*text, path);
}

Status DockerConfig::Write(const std::string& directory) const {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoError("make " + directory);
  }
  BOXLITE_ASSIGN_OR_RETURN(const Place place, PlaceOf(directory));
  BOXLITE_ASSIGN_OR_RETURN(const Fd parent, OpenDirectoryPath(place.directory));
  return WriteFileAtomically(parent.get(), place.name, Text(), Durability::kDurable);
}

std::vector<std::string> DockerConfig::KeysFor(const char* section, const std::string& host) const {
  std::vector<std::string> keys;
  const auto found = document_->json.find(section);
  if (found == document_->json.end() || !found->is_object()) return keys;
  const std::string exact = DockerServerName(host);
  for (const auto& [key, value] : found->items()) {
    if (key == exact) {
      keys.insert(keys.begin(), key);
    } else if (HostOfServerName(key) == host) {
      keys.push_back(key);
    }
  }
  return keys;
}

std::string DockerConfig::HelperFor(const std::string& host) const {
  for (const std::string& key : KeysFor("credHelpers", host)) {
    return TextAt(document_->json["credHelpers"], key.c_str());
  }
  return TextAt(document_->json, "credsStore");
}

Result<std::optional<Credential>> DockerConfig::Find(const std::string& host) const {
  for (const std::string& key : KeysFor("auths", host)) {
    BOXLITE_ASSIGN_OR_RETURN(std::optional<Credential> credential,
                             FromEntry(document_->json["auths"][key], host));
    if (credential) return credential;
  }
  return std::optional<Credential>();
}

void DockerConfig::Set(const std::string& host, const std::string& user,
                       const std::string& password) {
  Remove(host);
  document_->json["auths"][DockerServerName(host)] = {
      {"auth", Base64Encode(user + ":" + password)}};
}

void DockerConfig::SetKeptElsewhere(const std::string& host) {
  Remove(host);
  document_->json["auths"][DockerServerName(host)] = Json::object();
}

bool DockerConfig::Remove(const std::string& host) {
  const std::vector<std::string> keys = KeysFor("auths", host);
  for (const std::string& key : keys) document_->json["auths"].erase(key);
  return !keys.empty();
}

std::string DockerConfig::Text() const { return document_->json.dump(1, '\t') + "\n"; }

std::string DefaultDockerConfigDirectory() {
  const char* configured = std::getenv("DOCKER_CONFIG");
  if (configured != nullptr && *configured != '\0') return configured;
  const char* home = std::getenv("HOME");
  return home == nullptr || *home == '\0' ? std::string() : std::string(home) + "/.docker";
}

}  // namespace boxlite

// DockerConfig: docker's config.json, of which we know the credentials and keep all else.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/registry/credential.h"

namespace boxlite {

class DockerConfig {
 public:
  DockerConfig();  // an empty one
  ~DockerConfig();
  DockerConfig(DockerConfig&&) noexcept;
  DockerConfig& operator=(DockerConfig&&) noexcept;

  // kInvalidArgument, naming `origin`: no message has anything of the file in it.
  static Result<DockerConfig> Parse(std::string_view json, const std::string& origin);
  // config.json of `directory`; an empty one where there is none, or where `directory` is empty.
  static Result<DockerConfig> Read(const std::string& directory);
  // Replaces it in one rename (mode 0600; a symlink stays, what it leads to is replaced). Makes the
  // directory if need be.
  Status Write(const std::string& directory) const;

  // X of the program docker-credential-X that keeps the host's credentials; empty: none does.
  std::string HelperFor(const std::string& host) const;
  // Of the file itself; nullopt when it has none for the host. kInvalidArgument when it has some
  // that cannot be read.
  Result<std::optional<Credential>> Find(const std::string& host) const;
  void Set(const std::string& host, const std::string& user, const std::string& password);
  // That a helper keeps them: docker lists the host, without anything in it.
  void SetKeptElsewhere(const std::string& host);
  bool Remove(const std::string& host);  // whether there was an entry

  std::string Text() const;

 private:
  struct Document;
  std::vector<std::string> KeysFor(const char* section, const std::string& host) const;

  std::unique_ptr<Document> document_;
};

// What docker calls `host` in config.json and towards helpers: itself, but for docker.io.
std::string DockerServerName(const std::string& host);

// The host that a key of config.json means: "https://r.example/v1/" is r.example. Pure.
std::string HostOfServerName(std::string_view server);

}  // namespace boxlite

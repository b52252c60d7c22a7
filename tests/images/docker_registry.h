// DockerRegistry: Debian's docker-registry as a child of the test, on loopback, in a directory of
// its own; and images for it.
#pragma once

#include <sys/types.h>

#include <string>
#include <thread>

#include "boxlite/base/fd.h"
#include "boxlite/base/testing.h"

namespace boxlite {

struct DockerRegistrySetup {
  // YAML: of the http section (tls), and of the whole (auth); each line indented as it must be.
  std::string http;
  std::string rest;
};

class DockerRegistry {
 public:
  // Returns when it listens.
  explicit DockerRegistry(const DockerRegistrySetup& setup = {});
  ~DockerRegistry();  // killed, by its handle
  DockerRegistry(const DockerRegistry&) = delete;
  DockerRegistry& operator=(const DockerRegistry&) = delete;

  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

  // Copies `layout` (an OCI layout directory and a tag: "DIR:TAG") to NAME:TAG here, by skopeo.
  Status Push(const std::string& layout, const std::string& name,
              const std::vector<std::string>& options);

 private:
  TestDirectory directory_;
  pid_t pid_ = -1;
  int port_ = 0;
  Fd log_;
  std::thread reader_;
};

// Makes an OCI layout with the tag "1" of one image with these layers (any bytes) in `path`.
// Returns the manifest's text.
std::string MakeLayout(const std::string& path, const std::vector<std::string>& layers);

}  // namespace boxlite

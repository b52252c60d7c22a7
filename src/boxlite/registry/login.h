// Login and logout: credentials in docker's config.json, after the registry has taken them.
#pragma once

#include <string>

#include "boxlite/base/result.h"
#include "boxlite/registry/client.h"

namespace boxlite {

struct LoginRequest {
  std::string host;  // "docker.io" is docker's own
  std::string user;
  std::string password;
};

// Asks the registry whether it takes them (kPermissionDenied if not, and nothing is changed), and
// stores them as docker does: by the credential helper that config.json names for the host, else in
// config.json itself (mode 0600, replaced in one rename; all else in it is kept).
Status Login(const RegistryOptions& options, const LoginRequest& request);

// Forgets them, wherever they are. Returns whether there were any.
Result<bool> Logout(const RegistryOptions& options, const std::string& host);

}  // namespace boxlite

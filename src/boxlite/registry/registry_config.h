// RegistryConfig: what the user says of registries: how to reach each, where to search.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/registry/credential.h"

namespace boxlite {

enum class Transport { kHttps, kHttp };

struct RegistryEntry {
  std::string host;  // HOST[:PORT] as in a reference
  Transport transport = Transport::kHttps;
  bool skip_verify = false;  // take any certificate
  bool search = false;       // names without a registry are looked for here
  // Absent: what docker's configuration has for the host.
  std::optional<Credential> auth;
  // Hosts that are asked first, in this order; each may have an entry of its own.
  std::vector<std::string> mirrors;
  std::string ca_file;  // the authorities to believe here, in place of the system's; empty: none
};

struct RegistryConfig {
  std::vector<RegistryEntry> registries;

  // The host's entry, or one with the defaults: https, the system's authorities.
  RegistryEntry For(const std::string& host) const;
  // Where names without a registry are looked for, in order: docker.io if nothing says otherwise.
  std::vector<std::string> SearchOrder() const;
  // As if it stood before all others, https and searched: a host that a command line names.
  Status AddSearched(std::string_view host);
};

// {"registries": [{"host": ..., "transport": "https"|"http", "skip_verify": bool, "search": bool,
//   "auth": {"type": "anonymous"} | {"type": "basic", "username", "password"}
//         | {"type": "bearer", "token"}, "mirrors": [...], "ca_file": "/..."}]}
// kInvalidArgument names `origin` and what is wrong: unknown keys too.
Result<RegistryConfig> ParseRegistryConfig(std::string_view json, const std::string& origin);

// A file that must be there.
Result<RegistryConfig> ReadRegistryConfig(const std::string& path);
// registries.json of a home; without one: the defaults.
Result<RegistryConfig> ReadRegistryConfigOfHome(int home_fd);

}  // namespace boxlite

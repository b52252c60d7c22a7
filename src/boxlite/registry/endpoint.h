// Endpoint: where the registry of a host is; GetFollowing: a request that may be sent elsewhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "boxlite/registry/http.h"
#include "boxlite/registry/registry_config.h"

namespace boxlite {

struct Endpoint {
  RegistryEntry entry;
  Url base;  // "https://registry-1.docker.io/v2/"
  bool plain_allowed() const { return entry.transport == Transport::kHttp; }
};

// kInvalidArgument for a host that no URL can have.
Result<Endpoint> EndpointOf(const RegistryConfig& config, const std::string& host);

// How to trust the host of `url`: as its own entry says, whoever sent us there.
TlsPolicy TlsFor(const RegistryConfig& config, const Url& url);

struct Following {
  std::unique_ptr<HttpTransfer> transfer;
  bool elsewhere = false;  // the answer is another host's: its 401 is not the registry's
};

// GET of `url` with `headers`, and with `authorization` (may be empty) as long as scheme, host and
// port stay the same: once elsewhere, it never comes back. At most 5 redirects, to https only, or
// to http where `plain_allowed`. kUnsupported for a redirect that is not followed.
Result<Following> GetFollowing(const std::shared_ptr<HttpPool>& pool,
                               const RegistryOptions& options, const Url& url,
                               const std::vector<std::string>& headers,
                               const std::string& authorization, bool plain_allowed);

}  // namespace boxlite

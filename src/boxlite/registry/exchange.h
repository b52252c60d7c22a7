// Exchange: one request to a registry, with all that belongs to it but the trying again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "boxlite/registry/authorizer.h"
#include "boxlite/registry/endpoint.h"
#include "boxlite/registry/http.h"
#include "boxlite/registry/retry.h"

namespace boxlite {

// What a client and its sources share. Threads may share it.
class Exchange {
 public:
  explicit Exchange(RegistryOptions options);

  const RegistryOptions& options() const { return options_; }
  Authorizer& authorizer() { return authorizer_; }

  // Where `host`'s images are asked for: its mirrors in order, then itself.
  Result<std::vector<Endpoint>> EndpointsOf(const std::string& host) const;

  // GET of `path` (below /v2/). Shows what the registry wants to see, once more after a refusal;
  // follows redirects. Returns the answer when its status is 2xx; any other is an error that names
  // `what`, and tells `retry` how long the registry wants to be left alone.
  Result<std::unique_ptr<HttpTransfer>> Get(const Endpoint& endpoint, const std::string& repository,
                                            const std::string& path,
                                            const std::vector<std::string>& headers,
                                            const std::string& what, Retry& retry);

 private:
  Error ErrorOf(const Endpoint& endpoint, const std::string& what, Following following,
                Retry& retry);

  const RegistryOptions options_;
  const std::shared_ptr<HttpPool> pool_;
  Authorizer authorizer_;
};

}  // namespace boxlite

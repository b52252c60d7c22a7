// Authorizer: which header makes a registry give what is asked for. Keeps tokens.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "boxlite/registry/challenge.h"
#include "boxlite/registry/credential.h"
#include "boxlite/registry/endpoint.h"
#include "boxlite/registry/http.h"

namespace boxlite {

// Threads may share it; a token that several of them need is fetched once.
class Authorizer {
 public:
  Authorizer(const RegistryOptions& options, std::shared_ptr<HttpPool> pool);

  // For `endpoint` use this, and nothing that a configuration says.
  void Use(const Endpoint& endpoint, Credential credential);

  // The value of Authorization for a request to `endpoint` about `repository`; empty: none is known
  // to be wanted.
  std::string HeaderFor(const Endpoint& endpoint, const std::string& repository);

  // The endpoint itself refused a request with `used` by 401, and these headers. Afterwards
  // HeaderFor() has another. Errors: kPermissionDenied (nothing helps: no or wrong credentials);
  // those of a token server that does not answer.
  Status Answer(const Endpoint& endpoint, const std::string& repository, const std::string& used,
                const HttpHead& refusal);

 private:
  struct Host {
    std::optional<Credential> credential;  // once it was looked for
    std::string header;                    // for all of its repositories
  };
  struct KeptToken {
    std::string header;
    std::chrono::steady_clock::time_point ends;
  };

  Result<Credential> CredentialOf(const std::string& host);
  Status AnswerBearer(const Endpoint& endpoint, const std::string& repository,
                      const Credential& credential, const Challenge& challenge);
  Result<Token> FetchToken(const Endpoint& endpoint, const std::string& repository,
                           const Credential& credential, const Challenge& challenge);
  Result<std::unique_ptr<HttpTransfer>> AskForToken(const Endpoint& endpoint, const Url& realm,
                                                    const std::string& scope,
                                                    const std::string& service,
                                                    const Credential& credential);

  const RegistryOptions options_;
  const std::shared_ptr<HttpPool> pool_;
  std::mutex mutex_;  // held while a token is fetched, too
  std::map<std::string, Host> hosts_;
  std::map<std::pair<std::string, std::string>, KeptToken> tokens_;  // of host and repository
};

}  // namespace boxlite

#include "boxlite/registry/login.h"

#include <algorithm>
#include <utility>

#include "boxlite/oci/reference.h"
#include "boxlite/registry/credential_helper.h"
#include "boxlite/registry/docker_config.h"
#include "boxlite/registry/exchange.h"

namespace boxlite {
namespace {

Status CheckRequest(const RegistryOptions& options, const LoginRequest& request) {
  if (options.docker_config.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "there is no place for credentials: set HOME or DOCKER_CONFIG");
  }
  if (request.user.empty()) return Error(ErrorCode::kInvalidArgument, "a login needs a user");
  if (request.password.empty()) {
    return Error(ErrorCode::kInvalidArgument, "a login needs a password");
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
  if (request.user.find(':') != std::string::npos ||
      std::ranges::any_of(request.user, is_control) ||
      std::ranges::any_of(request.password, is_control)) {
    return Error(ErrorCode::kInvalidArgument,
                 "a user has no ':', and neither user nor password a control character");
  }
  return {};
}

// Whether the registry takes them: it must answer /v2/ with them.
Status Verify(const RegistryOptions& options, const std::string& host,
              const LoginRequest& request) {
  Exchange exchange(options);
  BOXLITE_ASSIGN_OR_RETURN(const Endpoint endpoint, EndpointOf(options.config, host));
  exchange.authorizer().Use(endpoint,
                            {Credential::Kind::kPassword, request.user, request.password});
  const std::string what = "log in to " + host;
  for (Retry retry(options.patience);;) {
    const Result<std::unique_ptr<HttpTransfer>> answer =
        exchange.Get(endpoint, "", "", {}, what, retry);
    if (answer.ok()) return {};
    if (retry.Again(answer.error())) continue;
    if (answer.error().code() != ErrorCode::kNotFound) return answer.error();
    return Error(ErrorCode::kNotFound, what + ": there is no registry at " + endpoint.base.Shown());
  }
}

}  // namespace

Status Login(const RegistryOptions& options, const LoginRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(const std::string host, ParseRegistryHost(request.host));
  BOXLITE_RETURN_IF_ERROR(CheckRequest(options, request));
  // Before anything is sent: a file that cannot be read could not be written either.
  BOXLITE_RETURN_IF_ERROR(DockerConfig::Read(options.docker_config));
  BOXLITE_RETURN_IF_ERROR(Verify(options, host, request));
  BOXLITE_ASSIGN_OR_RETURN(DockerConfig config, DockerConfig::Read(options.docker_config));
  if (const std::string helper = config.HelperFor(host); !helper.empty()) {
    BOXLITE_RETURN_IF_ERROR(
        StoreInHelper(helper, DockerServerName(host), request.user, request.password));
    config.SetKeptElsewhere(host);
  } else {
    config.Set(host, request.user, request.password);
  }
  return config.Write(options.docker_config);
}

Result<bool> Logout(const RegistryOptions& options, const std::string& host_text) {
  BOXLITE_ASSIGN_OR_RETURN(const std::string host, ParseRegistryHost(host_text));
  BOXLITE_ASSIGN_OR_RETURN(DockerConfig config, DockerConfig::Read(options.docker_config));
  bool had = false;
  if (const std::string helper = config.HelperFor(host); !helper.empty()) {
    BOXLITE_ASSIGN_OR_RETURN(had, EraseFromHelper(helper, DockerServerName(host)));
  }
  if (config.Remove(host)) {
    had = true;
    BOXLITE_RETURN_IF_ERROR(config.Write(options.docker_config));
  }
  return had;
}

}  // namespace boxlite

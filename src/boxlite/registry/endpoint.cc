#include "boxlite/registry/endpoint.h"

#include <utility>

#include "boxlite/oci/reference.h"

namespace boxlite {
namespace {

constexpr int kMostRedirects = 5;
constexpr std::string_view kHubRegistry = "registry-1.docker.io";

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Error NotFollowed(const Url& from, const std::string& why) {
  return {ErrorCode::kUnsupported, from.Shown() + " sends us elsewhere, and " + why};
}

Result<Url> NextOf(const Url& from, const HttpHead& head, bool plain_allowed) {
  const std::optional<std::string> location = head.Find("location");
  if (!location) return NotFollowed(from, "does not say where");
  Result<Url> next = from.Follow(*location);
  if (!next.ok()) return NotFollowed(from, next.error().message());
  if (!next->is_https() && !plain_allowed) {
    return NotFollowed(from, "that is plain http: " + next->Shown());
  }
  return next;
}

}  // namespace

Result<Endpoint> EndpointOf(const RegistryConfig& config, const std::string& host) {
  RegistryEntry entry = config.For(host);
  const std::string_view scheme = entry.transport == Transport::kHttp ? "http://" : "https://";
  const std::string_view where = host == kDockerHub ? kHubRegistry : std::string_view(host);
  Result<Url> base = Url::Parse(std::string(scheme) + std::string(where) + "/v2/");
  if (!base.ok()) return std::move(base).error().While("the registry " + host);
  return Endpoint{std::move(entry), std::move(*base)};
}

TlsPolicy TlsFor(const RegistryConfig& config, const Url& url) {
  const std::string& host = url.host();
  const bool hub = host == kHubRegistry;
  RegistryEntry entry = config.For(hub ? std::string(kDockerHub) : host);
  // An entry may spell out the port that a URL leaves out.
  if (!hub && !entry.skip_verify && entry.ca_file.empty()) {
    entry = config.For(host + (url.is_https() ? ":443" : ":80"));
  }
  return {entry.skip_verify, entry.ca_file};
}

Result<Following> GetFollowing(const std::shared_ptr<HttpPool>& pool,
                               const RegistryOptions& options, const Url& url,
                               const std::vector<std::string>& headers,
                               const std::string& authorization, bool plain_allowed) {
  HttpRequest request{url, headers, std::nullopt, TlsFor(options.config, url)};
  if (!authorization.empty()) request.headers.push_back("Authorization: " + authorization);
  bool elsewhere = false;
  for (int redirects = 0;; ++redirects) {
    BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<HttpTransfer> transfer,
                             HttpTransfer::Open(pool, request, options.patience));
    if (!IsRedirect(transfer->head().status)) return Following{std::move(transfer), elsewhere};
    if (redirects == kMostRedirects) return NotFollowed(url, "on and on");
    BOXLITE_ASSIGN_OR_RETURN(Url next, NextOf(request.url, transfer->head(), plain_allowed));
    if (!next.SameOrigin(url)) elsewhere = true;
    if (elsewhere) request.headers = headers;
    request.tls = TlsFor(options.config, next);
    request.url = std::move(next);
  }
}

}  // namespace boxlite

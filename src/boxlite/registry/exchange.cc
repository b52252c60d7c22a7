#include "boxlite/registry/exchange.h"

#include <utility>

#include "boxlite/base/wall_clock.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxRefusal = 64 * 1024;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::string RateLimit(const std::string& host, const std::optional<std::chrono::seconds>& wish) {
  const std::string when =
      wish ? "in " + std::to_string(wish->count()) + " s" : std::string("later");
  return host + " has had enough requests (HTTP 429, its rate limit): try again " + when +
         ", log in (boxlite login " + host + "), or use a mirror";
}

}  // namespace

Exchange::Exchange(RegistryOptions options)
    : options_(std::move(options)),
      pool_(std::make_shared<HttpPool>()),
      authorizer_(options_, pool_) {}

Result<std::vector<Endpoint>> Exchange::EndpointsOf(const std::string& host) const {
  std::vector<Endpoint> endpoints;
  for (const std::string& mirror : options_.config.For(host).mirrors) {
    BOXLITE_ASSIGN_OR_RETURN(Endpoint endpoint, EndpointOf(options_.config, mirror));
    endpoints.push_back(std::move(endpoint));
  }
  BOXLITE_ASSIGN_OR_RETURN(Endpoint endpoint, EndpointOf(options_.config, host));
  endpoints.push_back(std::move(endpoint));
  return endpoints;
}

Result<std::unique_ptr<HttpTransfer>> Exchange::Get(const Endpoint& endpoint,
                                                    const std::string& repository,
                                                    const std::string& path,
                                                    const std::vector<std::string>& headers,
                                                    const std::string& what, Retry& retry) {
  BOXLITE_ASSIGN_OR_RETURN(const Url url, Url::Parse(endpoint.base.text() + path));
  for (bool answered = false;; answered = true) {
    const std::string authorization = authorizer_.HeaderFor(endpoint, repository);
    Result<Following> following =
        GetFollowing(pool_, options_, url, headers, authorization, endpoint.plain_allowed());
    if (!following.ok()) return std::move(following).error().While(what);
    const HttpHead& head = following->transfer->head();
    if (head.status >= 200 && head.status < 300) return std::move(following->transfer);
    // A stranger to whom the registry sent us gets no credentials, whatever it asks for.
    if (head.status != 401 || following->elsewhere || answered) {
      return ErrorOf(endpoint, what, std::move(*following), retry);
    }
    Status answer = authorizer_.Answer(endpoint, repository, authorization, head);
    if (!answer.ok()) return std::move(answer).error().While(what);
  }
}

Error Exchange::ErrorOf(const Endpoint& endpoint, const std::string& what, Following following,
                        Retry& retry) {
  const HttpHead& head = following.transfer->head();
  const std::string& host = endpoint.entry.host;
  std::optional<std::chrono::seconds> wish;
  if (const auto value = head.Find("retry-after")) {
    wish = ParseRetryAfter(*value, WallClockNowNs() / kNsPerSecond);
    if (wish) retry.Wish(*wish);
  }
  // Its own words are worth a short wait, no more.
  const Result<std::string> body =
      following.transfer->ReadAll(kMaxRefusal, options_.patience.connect);
  std::string reason = body.ok() ? ReasonOf(*body) : "";
  if (!reason.empty()) reason = ": " + reason;
  const std::string status = "HTTP " + std::to_string(head.status) + reason;
  const std::string who = following.elsewhere ? "the host to which " + host + " sends us" : host;
  switch (head.status) {
    case 401:
    case 403:
      return {ErrorCode::kPermissionDenied, what + ": no such image, or no right to see it (" +
                                                who + " answers " + status + "): boxlite login " +
                                                host};
    case 404:
      return {ErrorCode::kNotFound, what + ": " + who + " has no such image (" + status + ")"};
    case 429:
      return {ErrorCode::kResourceExhausted, what + ": " + RateLimit(host, wish) + reason};
    case 408:
    case 425:
      return {ErrorCode::kUnavailable, what + ": " + who + " answers " + status};
    default:
      break;
  }
  const ErrorCode code = head.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kCorrupt;
  return {code, what + ": " + who + " answers " + status};
}

}  // namespace boxlite

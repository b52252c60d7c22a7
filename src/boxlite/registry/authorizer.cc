#include "boxlite/registry/authorizer.h"

#include <algorithm>

#include "boxlite/base/base64.h"
#include "boxlite/base/printable_text.h"
#include "boxlite/registry/credential_helper.h"
#include "boxlite/registry/docker_config.h"

namespace boxlite {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = Credential::Kind;

constexpr std::size_t kMaxTokenAnswer = 256 * 1024;
constexpr char kClient[] = "boxlite";

std::string BasicHeader(const Credential& credential) {
  return "Basic " + Base64Encode(credential.user + ":" + credential.secret);
}

const Challenge* FindChallenge(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
  return found == challenges.end() ? nullptr : &*found;
}

std::string Parameter(const Challenge& challenge, const std::string& name) {
  const auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? std::string() : found->second;
}

Error LoginNeeded(const Endpoint& endpoint) {
  return {ErrorCode::kPermissionDenied, endpoint.entry.host + " wants to know who asks: boxlite " +
                                            "login " + endpoint.entry.host};
}

Error Refused(const Endpoint& endpoint, const Credential& credential, const std::string& reason) {
  std::string what = " refuses";
  if (credential.kind == Kind::kAnonymous) what += " to give it to just anybody";
  if (credential.kind == Kind::kPassword) what += " the user " + PrintableText(credential.user);
  if (credential.kind == Kind::kRefreshToken || credential.kind == Kind::kRegistryToken) {
    what += " the token that is stored";
  }
  return {ErrorCode::kPermissionDenied, endpoint.entry.host + what +
                                            (reason.empty() ? "" : " (" + reason + ")") +
                                            ": boxlite login " + endpoint.entry.host};
}

// Where a token is asked for: credentials go there, so it must be as safe as the registry itself.
Result<Url> RealmOf(const Endpoint& endpoint, const Challenge& challenge) {
  const std::string text = Parameter(challenge, "realm");
  Result<Url> realm = Url::Parse(text);
  if (!realm.ok()) {
    return Error(ErrorCode::kCorrupt,
                 endpoint.entry.host + " names no token server: " + realm.error().message());
  }
  if (!realm->is_https() && !endpoint.plain_allowed()) {
    return Error(ErrorCode::kPermissionDenied, endpoint.entry.host +
                                                   " names a token server without TLS, " +
                                                   realm->Shown() + ": nothing is asked there");
  }
  return realm;
}

}  // namespace

Authorizer::Authorizer(const RegistryOptions& options, std::shared_ptr<HttpPool> pool)
    : options_(options), pool_(std::move(pool)) {}

void Authorizer::Use(const Endpoint& endpoint, Credential credential) {
  const std::lock_guard lock(mutex_);
  hosts_[endpoint.entry.host].credential = std::move(credential);
}

std::string Authorizer::HeaderFor(const Endpoint& endpoint, const std::string& repository) {
  const std::lock_guard lock(mutex_);
  const auto token = tokens_.find({endpoint.entry.host, repository});
  if (token != tokens_.end()) {
    if (Clock::now() < token->second.ends) return token->second.header;
    tokens_.erase(token);
  }
  return hosts_[endpoint.entry.host].header;
}

Result<Credential> Authorizer::CredentialOf(const std::string& host) {
  std::optional<Credential>& kept = hosts_[host].credential;
  if (kept) return *kept;
  const RegistryEntry entry = options_.config.For(host);
  std::optional<Credential> found = entry.auth;
  if (!found) {
    BOXLITE_ASSIGN_OR_RETURN(const DockerConfig config, DockerConfig::Read(options_.docker_config));
    if (const std::string helper = config.HelperFor(host); !helper.empty()) {
      BOXLITE_ASSIGN_OR_RETURN(found, GetFromHelper(helper, DockerServerName(host)));
    } else {
      BOXLITE_ASSIGN_OR_RETURN(found, config.Find(host));
    }
  }
  kept = found.value_or(Credential());
  return *kept;
}

Status Authorizer::Answer(const Endpoint& endpoint, const std::string& repository,
                          const std::string& used, const HttpHead& refusal) {
  const std::string& host = endpoint.entry.host;
  const std::lock_guard lock(mutex_);
  // Another thread may have been here while this one was refused.
  const auto token = tokens_.find({host, repository});
  if (token != tokens_.end()) {
    if (token->second.header != used) return {};
    tokens_.erase(token);
  } else if (const std::string& header = hosts_[host].header; !header.empty() && header != used) {
    return {};
  }
  const std::vector<Challenge> challenges = ParseChallenges(refusal.All("www-authenticate"));
  BOXLITE_ASSIGN_OR_RETURN(const Credential credential, CredentialOf(host));
  if (credential.kind == Kind::kRegistryToken) {
    std::string header = "Bearer " + credential.secret;
    if (header == used) return Refused(endpoint, credential, "");
    hosts_[host].header = std::move(header);
    return {};
  }
  if (const Challenge* bearer = FindChallenge(challenges, "bearer")) {
    return AnswerBearer(endpoint, repository, credential, *bearer);
  }
  if (FindChallenge(challenges, "basic") != nullptr) {
    if (credential.kind != Kind::kPassword) return LoginNeeded(endpoint);
    std::string header = BasicHeader(credential);
    if (header == used) return Refused(endpoint, credential, "");
    hosts_[host].header = std::move(header);
    return {};
  }
  const std::string wanted = challenges.empty() ? "nothing" : challenges.front().scheme;
  return Error(ErrorCode::kPermissionDenied, host + " refuses, and asks for " +
                                                 PrintableText(wanted.substr(0, 100)) +
                                                 ", which is neither Basic nor Bearer");
}

Status Authorizer::AnswerBearer(const Endpoint& endpoint, const std::string& repository,
                                const Credential& credential, const Challenge& challenge) {
  Result<Token> token = FetchToken(endpoint, repository, credential, challenge);
  if (!token.ok()) return std::move(token).error();
  tokens_[{endpoint.entry.host, repository}] = {"Bearer " + token->text,
                                                Clock::now() + token->lifetime};
  return {};
}

Result<Token> Authorizer::FetchToken(const Endpoint& endpoint, const std::string& repository,
                                     const Credential& credential, const Challenge& challenge) {
  BOXLITE_ASSIGN_OR_RETURN(const Url realm, RealmOf(endpoint, challenge));
  // What we want, whatever the challenge would have us want.
  const std::string scope = repository.empty() ? "" : "repository:" + repository + ":pull";
  BOXLITE_ASSIGN_OR_RETURN(
      const std::unique_ptr<HttpTransfer> transfer,
      AskForToken(endpoint, realm, scope, Parameter(challenge, "service"), credential));
  BOXLITE_ASSIGN_OR_RETURN(const std::string body,
                           transfer->ReadAll(kMaxTokenAnswer, options_.patience.small_request));
  const int status = transfer->head().status;
  if (status == 401 || status == 403 || status == 400) {
    return Refused(endpoint, credential, ReasonOf(body));
  }
  if (status != 200) {
    const bool passing = status == 429 || status >= 500;
    return Error(passing ? ErrorCode::kUnavailable : ErrorCode::kPermissionDenied,
                 "the token server " + realm.Shown() + " of " + endpoint.entry.host +
                     " answers with HTTP " + std::to_string(status) + " " + ReasonOf(body));
  }
  Result<Token> token = ParseTokenAnswer(body);
  if (!token.ok()) return std::move(token).error().While(realm.Shown());
  return token;
}

Result<std::unique_ptr<HttpTransfer>> Authorizer::AskForToken(const Endpoint& endpoint,
                                                              const Url& realm,
                                                              const std::string& scope,
                                                              const std::string& service,
                                                              const Credential& credential) {
  if (credential.kind == Kind::kRefreshToken) {
    // OAuth 2: the token goes into the body, and no redirect is followed with it.
    std::string form = std::string("grant_type=refresh_token&client_id=") + kClient +
                       "&service=" + EscapeForQuery(service) +
                       "&refresh_token=" + EscapeForQuery(credential.secret);
    if (!scope.empty()) form += "&scope=" + EscapeForQuery(scope);
    const HttpRequest request{
        realm,
        {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"},
        std::move(form),
        TlsFor(options_.config, realm)};
    return HttpTransfer::Open(pool_, request, options_.patience);
  }
  Url url = realm;
  if (!service.empty()) url = url.WithQuery("service", service);
  if (!scope.empty()) url = url.WithQuery("scope", scope);
  std::string authorization;
  if (credential.kind == Kind::kPassword) {
    url = url.WithQuery("account", credential.user).WithQuery("client_id", kClient);
    authorization = BasicHeader(credential);
  }
  BOXLITE_ASSIGN_OR_RETURN(Following following,
                           GetFollowing(pool_, options_, url, {"Accept: application/json"},
                                        authorization, endpoint.plain_allowed()));
  return std::move(following.transfer);
}

}  // namespace boxlite

#include "boxlite/registry/client.h"

#include <utility>

#include "boxlite/base/printable_text.h"
#include "boxlite/oci/verified_source.h"
#include "boxlite/registry/blob_source.h"
#include "boxlite/registry/exchange.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxManifest = 4 * 1024 * 1024;  // the registries' own limit

const std::vector<std::string>& AcceptedManifests() {
  static const std::vector<std::string> kHeaders = {
      "Accept: application/vnd.oci.image.index.v1+json, "
      "application/vnd.oci.image.manifest.v1+json, "
      "application/vnd.docker.distribution.manifest.list.v2+json, "
      "application/vnd.docker.distribution.manifest.v2+json"};
  return kHeaders;
}

std::string MediaTypeOf(const HttpHead& head) {
  std::string type = head.Find("content-type").value_or("");
  type = type.substr(0, type.find(';'));
  type.erase(type.find_last_not_of(" \t") + 1);
  return PrintableText(std::string_view(type).substr(0, 200));
}

Status CheckMediaType(const std::string& type, const std::string& what, const std::string& host) {
  if (type.starts_with("application/vnd.docker.distribution.manifest.v1")) {
    return Error(ErrorCode::kUnsupported, what + ": " + host +
                                              " has it in docker's schema 1 only, which nobody "
                                              "reads any more: push it anew");
  }
  if (type == "text/html") {
    return Error(ErrorCode::kUnsupported,
                 what + ": " + host + " answers with a web page: is it a registry?");
  }
  return {};
}

Result<FetchedManifest> ManifestOf(HttpTransfer& transfer, const Reference& reference,
                                   const std::string& what, const Endpoint& endpoint,
                                   const Patience& patience) {
  const std::string& host = endpoint.entry.host;
  std::string type = MediaTypeOf(transfer.head());
  BOXLITE_RETURN_IF_ERROR(CheckMediaType(type, what, host));
  Result<std::string> bytes = transfer.ReadAll(kMaxManifest, patience.small_request);
  if (!bytes.ok()) return std::move(bytes).error().While(what);
  Digest digest = Sha256::Of(*bytes);
  if (reference.digest() && digest != *reference.digest()) {
    return Error(ErrorCode::kCorrupt,
                 what + ": " + host + " sends other bytes, with the digest " + digest.text());
  }
  if (const auto claimed = transfer.head().Find("docker-content-digest")) {
    const Result<Digest> parsed = Digest::Parse(*claimed);
    // Another algorithm says nothing about these bytes that we could check.
    const bool other = !parsed.ok() && parsed.error().code() == ErrorCode::kUnsupported;
    if (!other && (!parsed.ok() || *parsed != digest)) {
      return Error(ErrorCode::kCorrupt, what + ": " + host + " says " +
                                            PrintableText(claimed->substr(0, 100)) +
                                            " of bytes with the digest " + digest.text());
    }
  }
  return FetchedManifest{std::move(*bytes), std::move(type), std::move(digest)};
}

}  // namespace

struct RegistryClient::State {
  std::shared_ptr<Exchange> exchange;

  Result<FetchedManifest> FetchFrom(const Endpoint& endpoint, const Reference& reference);
};

RegistryClient::RegistryClient(std::shared_ptr<State> state) : state_(std::move(state)) {}
RegistryClient::~RegistryClient() = default;

Result<std::unique_ptr<RegistryClient>> RegistryClient::Create(RegistryOptions options) {
  auto state = std::make_shared<State>();
  state->exchange = std::make_shared<Exchange>(std::move(options));
  return std::unique_ptr<RegistryClient>(new RegistryClient(std::move(state)));
}

Result<FetchedManifest> RegistryClient::State::FetchFrom(const Endpoint& endpoint,
                                                         const Reference& reference) {
  const std::string what = "fetch " + reference.Familiar();
  const std::string path = reference.path() + "/manifests/" + reference.wanted();
  const Patience& patience = exchange->options().patience;
  for (Retry retry(patience);;) {
    Result<std::unique_ptr<HttpTransfer>> transfer =
        exchange->Get(endpoint, reference.path(), path, AcceptedManifests(), what, retry);
    Result<FetchedManifest> manifest =
        transfer.ok() ? ManifestOf(**transfer, reference, what, endpoint, patience)
                      : Result<FetchedManifest>(std::move(transfer).error());
    if (manifest.ok() || !retry.Again(manifest.error())) return manifest;
  }
}

Result<FetchedManifest> RegistryClient::FetchManifest(const Reference& reference) {
  BOXLITE_ASSIGN_OR_RETURN(const std::vector<Endpoint> endpoints,
                           state_->exchange->EndpointsOf(reference.host()));
  std::string mirrors;
  for (const Endpoint& endpoint : endpoints) {
    Result<FetchedManifest> manifest = state_->FetchFrom(endpoint, reference);
    if (manifest.ok()) return manifest;
    if (&endpoint == &endpoints.back()) {
      Error error = std::move(manifest).error();
      return mirrors.empty() ? std::move(error) : Error(error.code(), error.message() + mirrors);
    }
    mirrors += "; its mirror " + endpoint.entry.host + ": " + manifest.error().message();
  }
  return Error(ErrorCode::kInternal, "a registry without endpoints");
}

Result<std::unique_ptr<ByteSource>> RegistryClient::FetchBlob(const Reference& repository,
                                                              const Digest& digest,
                                                              std::uint64_t size,
                                                              const std::string& media_type) {
  const std::string what =
      "fetch " + digest.text() + " of " + repository.host() + "/" + repository.path();
  if (media_type.find(".foreign.") != std::string::npos ||
      media_type.find(".nondistributable.") != std::string::npos) {
    return Error(ErrorCode::kUnsupported, what + ": layers that registries may not give (" +
                                              PrintableText(media_type.substr(0, 100)) +
                                              ") are not fetched");
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<Endpoint> endpoints,
                           state_->exchange->EndpointsOf(repository.host()));
  auto source = std::make_unique<BlobSource>(state_->exchange, std::move(endpoints),
                                             repository.path(), digest, size, what);
  return std::unique_ptr<ByteSource>(
      std::make_unique<VerifiedSource>(std::move(source), digest, size, what));
}

Result<Resolved> RegistryClient::Resolve(const Reference& reference) {
  if (reference.qualified()) {
    BOXLITE_ASSIGN_OR_RETURN(FetchedManifest manifest, FetchManifest(reference));
    return Resolved{reference, std::move(manifest)};
  }
  std::optional<Error> worst;
  std::string all;
  for (const std::string& host : state_->exchange->options().config.SearchOrder()) {
    Reference there = reference.At(host);
    Result<FetchedManifest> manifest = FetchManifest(there);
    if (manifest.ok()) return Resolved{std::move(there), std::move(*manifest)};
    all += (all.empty() ? "" : "; ") + manifest.error().message();
    // That one has no such image says less than that another could not be asked.
    if (!worst || worst->code() == ErrorCode::kNotFound) worst = std::move(manifest).error();
  }
  return Error(worst->code(), all);
}

}  // namespace boxlite

#include "images/registry_testing.h"

#include <cstdlib>
#include <random>

namespace boxlite {

Patience LittlePatience() {
  using std::chrono::milliseconds;
  Patience patience;
  patience.connect = milliseconds(5000);
  patience.stall = milliseconds(300);
  patience.small_request = milliseconds(5000);
  patience.attempts = 4;
  patience.first_pause = milliseconds(2);
  patience.longest_pause = milliseconds(1500);
  return patience;
}

RegistryOptions PlainOptions(const std::string& host) {
  RegistryOptions options;
  options.patience = LittlePatience();
  RegistryEntry entry;
  entry.host = host;
  entry.transport = Transport::kHttp;
  options.config.registries = {entry};
  return options;
}

RegistryOptions TlsOptions(const std::string& host, const Certificate& certificate) {
  RegistryOptions options = PlainOptions(host);
  options.config.registries[0].transport = Transport::kHttps;
  options.config.registries[0].ca_file = certificate.certificate_path();
  return options;
}

std::unique_ptr<RegistryClient> MakeClient(const RegistryOptions& options) {
  Result<std::unique_ptr<RegistryClient>> client = RegistryClient::Create(options);
  BOXLITE_CHECK(client.ok());
  return std::move(*client);
}

Result<std::string> ReadWhole(ByteSource& source) {
  std::string all;
  std::vector<char> room(50'000);
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, source.Read(room));
    if (count == 0) return all;
    all.append(room.data(), count);
  }
}

Result<std::string> FetchWhole(RegistryClient& client, const std::string& reference,
                               const std::string& blob) {
  BOXLITE_ASSIGN_OR_RETURN(
      const std::unique_ptr<ByteSource> source,
      client.FetchBlob(MustParse(reference), Sha256::Of(blob), blob.size(), ""));
  return ReadWhole(*source);
}

Reference MustParse(const std::string& text) {
  Result<Reference> reference = Reference::Parse(text);
  BOXLITE_CHECK(reference.ok());
  return std::move(*reference);
}

std::string SomeBytes(std::size_t count) {
  std::minstd_rand random(static_cast<unsigned>(count) + 1);
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

ScopedVariable::ScopedVariable(const std::string& name, const std::string& value) : name_(name) {
  if (const char* before = std::getenv(name.c_str())) before_ = before;
  ::setenv(name.c_str(), value.c_str(), 1);
}

ScopedVariable::~ScopedVariable() {
  if (before_) {
    ::setenv(name_.c_str(), before_->c_str(), 1);
  } else {
    ::unsetenv(name_.c_str());
  }
}

void SmallRegistry::Answer(const ServerRequest& request, ServerConnection& connection) const {
  const std::string path = request.path();
  const std::string digest = Sha256::Of(manifest).text();
  if (path == "/v2/") return connection.Respond(200, "{}");
  if (path == "/v2/r/manifests/1" || path == "/v2/r/manifests/" + digest) {
    return connection.Respond(200, manifest,
                              {{"Content-Type", media_type}, {"Docker-Content-Digest", digest}});
  }
  constexpr std::string_view kBlobs = "/v2/r/blobs/";
  if (path.starts_with(kBlobs)) {
    const auto blob = blobs_.find(path.substr(kBlobs.size()));
    if (blob != blobs_.end()) return connection.Respond(200, blob->second);
  }
  connection.Respond(404, R"({"errors":[{"code":"NAME_UNKNOWN","message":"never heard of"}]})");
}

}  // namespace boxlite

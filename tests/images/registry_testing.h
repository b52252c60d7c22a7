// What the tests of registries share: a client with little patience, and a registry of a few lines.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "boxlite/registry/client.h"
#include "images/http_server.h"

namespace boxlite {

// Milliseconds where the defaults have seconds.
Patience LittlePatience();

// Of one host: plain http, as configured by {"host": ..., "transport": "http"}.
RegistryOptions PlainOptions(const std::string& host);
// Of one host with TLS whose authority is the certificate itself.
RegistryOptions TlsOptions(const std::string& host, const Certificate& certificate);

std::unique_ptr<RegistryClient> MakeClient(const RegistryOptions& options);

// All that a source gives, or its error.
Result<std::string> ReadWhole(ByteSource& source);
Result<std::string> FetchWhole(RegistryClient& client, const std::string& reference,
                               const std::string& blob);

Reference MustParse(const std::string& text);

// Of any bytes that look like none else.
std::string SomeBytes(std::size_t count);

// Sets a variable of this process's environment, and sets it back.
class ScopedVariable {
 public:
  ScopedVariable(const std::string& name, const std::string& value);
  ~ScopedVariable();
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const std::string name_;
  std::optional<std::string> before_;
};

// A registry that has one repository "r" with the tag "1" and any blobs.
class SmallRegistry {
 public:
  std::string manifest = R"({"schemaVersion":2,"layers":[]})";
  std::string media_type = "application/vnd.oci.image.manifest.v1+json";

  void Add(const std::string& blob) { blobs_[Sha256::Of(blob).text()] = blob; }
  // Answers what a registry would; 404 for all else.
  void Answer(const ServerRequest& request, ServerConnection& connection) const;

 private:
  std::map<std::string, std::string> blobs_;
};

}  // namespace boxlite

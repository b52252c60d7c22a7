// RegistryClient: fetches manifests and blobs from registries over HTTPS.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/oci/byte_source.h"
#include "boxlite/oci/digest.h"
#include "boxlite/oci/reference.h"
#include "boxlite/registry/registry_config.h"

namespace boxlite {

// How long and how often. The defaults are for people; tests have less time.
struct Patience {
  std::chrono::milliseconds connect{15'000};
  // A body that brings less than `least_bytes` in this time of waiting is given up (and resumed).
  std::chrono::milliseconds stall{30'000};
  std::uint64_t least_bytes = 4096;
  std::chrono::milliseconds small_request{60'000};  // a manifest or token, in all
  int attempts = 5;                                 // per request; each gain in a blob starts anew
  std::chrono::milliseconds first_pause{250};       // doubled at each further attempt
  std::chrono::milliseconds longest_pause{20'000};  // of ours, or at a registry's wish
};

struct RegistryOptions {
  RegistryConfig config;
  // The directory of docker's config.json: DefaultDockerConfigDirectory(). Empty: none is read.
  std::string docker_config;
  Patience patience;
};

struct FetchedManifest {
  std::string bytes;
  std::string media_type;  // as the registry says, without parameters; may be empty
  Digest digest;           // of the bytes
};

struct Resolved {
  Reference reference;  // qualified: where it was found
  FetchedManifest manifest;
};

// Any number of threads may call at once; each call blocks. One client a pull: it keeps tokens and
// connections. Mirrors of a host are asked first. Every error names the registry, what was asked,
// and what to do:
//   kNotFound            no such image
//   kPermissionDenied    no such image or no right to it; a certificate that nobody vouches for
//   kUnavailable, kTimeout   no connection, 5xx, silence, after all attempts
//   kResourceExhausted   the registry's rate limit
//   kCorrupt             not the bytes that were asked for, or more of them
//   kUnsupported         an old format, or a redirect that we do not follow
class RegistryClient {
 public:
  static Result<std::unique_ptr<RegistryClient>> Create(RegistryOptions options);
  ~RegistryClient();

  // At most 4 MiB. By digest: the bytes have it. By tag: digest is that of the bytes.
  Result<FetchedManifest> FetchManifest(const Reference& reference);

  // The blob's bytes, as a source that has verified digest and size when it gives the end; it needs
  // no VerifiedSource around it. A cut download is resumed inside Read(). Buffers at most 1 MiB.
  // The source keeps what it needs of the client, and may be read on another thread.
  Result<std::unique_ptr<ByteSource>> FetchBlob(const Reference& repository, const Digest& digest,
                                                std::uint64_t size, const std::string& media_type);

  // A qualified name at its registry; any other at each of the search order, the first that has it.
  Result<Resolved> Resolve(const Reference& reference);

 private:
  struct State;
  explicit RegistryClient(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;
};

// $DOCKER_CONFIG, or ~/.docker; empty where there is neither variable nor HOME.
std::string DefaultDockerConfigDirectory();

}  // namespace boxlite

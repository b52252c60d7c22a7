// Reference: the name of an image in a registry, by docker's grammar.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

// The registry of names that name none.
inline constexpr std::string_view kDockerHub = "docker.io";

// HOST[:PORT]/PATH:TAG@DIGEST. What is left out is added as docker does it: "docker.io", "library/"
// before a name of one part there, and the tag "latest" where there is neither tag nor digest.
class Reference {
 public:
  // kInvalidArgument, with what is wrong and what would be right; kUnsupported for a digest by
  // another algorithm than SHA-256. Host names are taken in lower case: one registry, one name.
  static Result<Reference> Parse(std::string_view text);

  const std::string& host() const { return host_; }  // "docker.io", "localhost:5000", "[::1]:5000"
  const std::string& path() const { return path_; }  // "library/debian"
  const std::optional<std::string>& tag() const { return tag_; }
  const std::optional<Digest>& digest() const { return digest_; }

  // Whether the text named a host. If not, the search order of the configuration decides.
  bool qualified() const { return qualified_; }
  // Of a reference that is not qualified: the same name at `host` (which Parse() would take).
  Reference At(const std::string& host) const;
  // The same repository, by digest alone: how parts of an index are asked for.
  Reference WithDigest(const Digest& digest) const;

  std::string name() const { return host_ + "/" + path_; }
  // What the registry is asked for: the digest when there is one, else the tag.
  std::string wanted() const { return digest_ ? digest_->text() : *tag_; }

  // "docker.io/library/debian:12": one image, one text.
  std::string Full() const;
  // "debian:12": as people write it; Parse() makes the same Full() of it.
  std::string Familiar() const;

 private:
  Reference() = default;

  std::string host_;
  std::string path_;
  std::string written_path_;  // before "library/" was added
  std::optional<std::string> tag_;
  std::optional<Digest> digest_;  // at least one of both is there
  bool qualified_ = false;
};

// HOST[:PORT] as it stands in a reference, in lower case; kInvalidArgument for anything else (a
// scheme, a path). "index.docker.io" is "docker.io".
Result<std::string> ParseRegistryHost(std::string_view text);

}  // namespace boxlite

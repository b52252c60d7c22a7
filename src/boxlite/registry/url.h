// Url: an absolute http or https address, and who stands behind it.
#pragma once

#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite {

class Url {
 public:
  // kInvalidArgument for another scheme, a user or password in it, or no URL at all.
  static Result<Url> Parse(std::string_view text);
  // Where `location`, absolute or relative to this, leads. The same errors.
  Result<Url> Follow(std::string_view location) const;
  // The same with NAME=VALUE, escaped, added to the query.
  Url WithQuery(std::string_view name, std::string_view value) const;

  const std::string& text() const { return text_; }
  bool is_https() const { return https_; }
  // HOST[:PORT] as in a reference: in lower case, without the scheme's own port.
  const std::string& host() const { return host_; }
  // Whether scheme, host and port are the same: only then may credentials go along.
  bool SameOrigin(const Url& other) const { return https_ == other.https_ && host_ == other.host_; }
  // For messages: without its query, which may be signed.
  std::string Shown() const;

 private:
  Url() = default;

  std::string text_;
  std::string host_;
  bool https_ = true;
};

// `text` with everything but unreserved characters as %XX.
std::string EscapeForQuery(std::string_view text);

}  // namespace boxlite

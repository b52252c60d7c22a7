// What a registry wants of a client that it refused: WWW-Authenticate, and its token server's
// answer. Both are a stranger's bytes.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

struct Challenge {
  std::string scheme;                             // in lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case; of two the first counts
};

// All challenges of all WWW-Authenticate headers, in order (RFC 9110, section 11.6.1). What cannot
// be read ends its header; at most 16 challenges with 16 parameters each are taken. Pure.
std::vector<Challenge> ParseChallenges(const std::vector<std::string>& headers);

struct Token {
  std::string text;  // fit for a header
  std::chrono::seconds lifetime{60};
};

// {"token" or "access_token": ..., "expires_in": seconds}. kCorrupt for anything else.
Result<Token> ParseTokenAnswer(std::string_view json);

// Whether `text` may stand behind "Bearer ": printable, and not of absurd length.
bool IsTokenText(std::string_view text);

// The registry's own words in a refusal ({"errors": [{"code", "message"}]}, or a token server's
// {"error", "error_description"} or {"details"}), printable and short; empty if there are none.
std::string ReasonOf(std::string_view json);

}  // namespace boxlite

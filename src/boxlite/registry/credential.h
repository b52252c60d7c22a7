// Credential: what a user shows a registry. Never part of a message.
#pragma once

#include <string>

namespace boxlite {

struct Credential {
  enum class Kind {
    kAnonymous,
    kPassword,       // user and secret
    kRefreshToken,   // secret: shown to the registry's token server only ("identity token")
    kRegistryToken,  // secret: shown to the registry as it is ("bearer")
  };
  Kind kind = Kind::kAnonymous;
  std::string user;
  std::string secret;
};

}  // namespace boxlite

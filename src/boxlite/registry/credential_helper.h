// Programs that keep credentials: docker-credential-NAME, found on $PATH, asked as docker asks.
#pragma once

#include <optional>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/registry/credential.h"

namespace boxlite {

// All block until the program has ended, at most a minute: then it is killed. Errors name the
// program and show what it wrote, but for the answer to `get`, in which the secret is.

// nullopt when it has none for `server`.
Result<std::optional<Credential>> GetFromHelper(const std::string& name, const std::string& server);
Status StoreInHelper(const std::string& name, const std::string& server, const std::string& user,
                     const std::string& secret);
// Whether there were any.
Result<bool> EraseFromHelper(const std::string& name, const std::string& server);

// {"Username": ..., "Secret": ...}: the answer to `get`. kCorrupt for anything else. Pure.
Result<Credential> ParseHelperAnswer(const std::string& json);

}  // namespace boxlite

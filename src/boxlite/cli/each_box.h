// Verbs that take several boxes: all are tried, each answer is printed at once, each error
// reported.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "boxlite/cli/session.h"

namespace boxlite::cli {

// The line to print for a box that was done.
using BoxVerb =
    std::function<Result<std::string>(Runtime&, const BoxId&, const std::string& reference)>;

// kExitFailure when any of them failed.
int ForEachBox(Session& session, const std::vector<std::string>& references, const BoxVerb& verb);

}  // namespace boxlite::cli

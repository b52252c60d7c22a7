// Verbs that take several boxes: all are tried, each answer is printed at once, each error
// reported.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "boxlite/cli/arguments.h"
#include "boxlite/cli/session.h"

namespace boxlite::cli {

// The line to print for a box that was done.
using BoxVerb =
    std::function<Result<std::string>(Runtime&, const BoxId&, const std::string& reference)>;

// kExitFailure when any of them failed.
int ForEachBox(Session& session, const std::vector<std::string>& references, const BoxVerb& verb);

// The value of --exec; empty: not given. An exec is one box's: more boxes with it are an error.
Result<std::string> ParseExecId(const Arguments& arguments, const std::vector<std::string>& boxes);

}  // namespace boxlite::cli

// A question to the person at the terminal.
#pragma once

#include <optional>
#include <string>

#include "boxlite/cli/session.h"

namespace boxlite::cli {

// Says `what`, asks whether to go on, and returns nothing for yes, else the exit code. Without a
// terminal to ask at nothing is done: `verb` needs -f.
std::optional<int> AskToGoOn(Session& session, const std::string& verb, const std::string& what);

}  // namespace boxlite::cli

// Man pages, made from the same tables as --help. Pure.
#pragma once

#include <string>

#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {

// In roff's man macros. `date`: "2026-11-24", what the build says.
std::string ProgramManPage(const std::string& date);  // boxlite.1
std::string SubcommandManPage(const Subcommand& subcommand,
                              const std::string& date);  // boxlite-VERB.1

}  // namespace boxlite::cli

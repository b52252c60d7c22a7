// The texts of --help, made from the same tables that the parser reads. Pure.
#pragma once

#include <string>

#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {

std::string ProgramHelp();
std::string SubcommandHelp(const Subcommand& subcommand);

}  // namespace boxlite::cli

// The texts of --help, made from the same tables that the parser reads. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {

// The verbs as --help and the man page show them. Each is in one group; what no group names is in
// the last.
struct VerbGroup {
  std::string_view title;
  std::vector<const Subcommand*> verbs;
};
std::vector<VerbGroup> VerbGroups();

// Shared with the man page.
inline constexpr std::string_view kProgramPurpose =
    "boxlite runs commands in boxes: small virtual machines that live on their own.\n";
inline constexpr std::string_view kProgramExamples =
    "boxlite run --rm boxlite/base uname -a       # run a command, and forget the box\n"
    "boxlite run -d --name web boxlite/base httpd -f\n"
    "boxlite exec web ps                          # use the box, from any later process\n"
    "boxlite logs -f web\n"
    "boxlite ls\n"
    "boxlite rm -f web\n";

std::string ProgramHelp();
std::string SubcommandHelp(const Subcommand& subcommand);

}  // namespace boxlite::cli

#include <nlohmann/json.hpp>

#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/use_view.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"format", 0, "table|json", "How to show them (a table unless said)"},
};

int ExecuteTop(Session& session, const TopRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.box);
  if (!id.ok()) return session.Fail(id.error());
  Result<BoxProcesses> processes = (*runtime)->Processes(*id);
  if (!processes.ok()) return session.Fail(processes.error());
  if (request.format == Format::kTable) {
    session.console().Print(ProcessTable(*processes));
  } else {
    session.console().Print(Formatted(ProcessEntries(*processes), request.format));
  }
  if (processes->processes.size() < processes->total) {
    session.console().Note("these are " + std::to_string(processes->processes.size()) + " of " +
                           std::to_string(processes->total) + " processes");
  }
  return kExitOk;
}

}  // namespace

Result<TopRequest> ParseTop(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (words.empty() || words[0].empty()) {
    return Error(ErrorCode::kInvalidArgument, "top takes one box");
  }
  if (words.size() > 1) {
    return Error(ErrorCode::kUnsupported,
                 "options of ps ('" + words[1] + "') are not available in this version");
  }
  TopRequest request;
  request.box = words[0];
  if (const std::optional<std::string> format = arguments.Last("format")) {
    BOXLITE_ASSIGN_OR_RETURN(request.format, ParseFormat(*format, "table, json"));
  }
  return request;
}

constinit const Subcommand kTop = {
    .name = "top",
    .aliases = "",
    .purpose = "Show the processes of a box",
    .usage = "[OPTIONS] BOX",
    .notes =
        "EXEC is \"main\" for what belongs to the main command, else the id of the exec. Names "
        "and\n"
        "arguments are the box's own words; control characters in them are shown as '?'. Of more\n"
        "than 1000 processes the first are shown.\n",
    .examples =
        "boxlite top web\n"
        "boxlite top --format json web\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseTop, ExecuteTop>,
};

}  // namespace boxlite::cli

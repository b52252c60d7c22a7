#include "boxlite/cli/each_box.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

int ExecuteWait(Session& session, const BoxesRequest& request) {
  return ForEachBox(
      session, request.boxes,
      [](Runtime& runtime, const BoxId& id, const std::string&) -> Result<std::string> {
        BOXLITE_ASSIGN_OR_RETURN(ProcessExit exit, runtime.Wait(id));
        return std::to_string(exit.ShellCode());
      });
}

}  // namespace

constinit const Subcommand kWait = {
    .name = "wait",
    .aliases = "",
    .purpose = "Wait until the main commands of boxes have ended, and print their exit codes",
    .usage = "BOX...",
    .notes =
        "128 + N stands for signal N. A box whose last life ended without an exit of its main\n"
        "command (it crashed) is an error, never 0.\n",
    .examples = "boxlite wait job\n",
    .syntax = {},
    .prepare = Prepare<ParseBoxes, ExecuteWait>,
};

}  // namespace boxlite::cli

#include "boxlite/cli/client_options.h"
#include "boxlite/cli/each_box.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {{"exec", 0, "ID", "Wait for this exec instead"}};

int ExecuteWait(Session& session, const WaitRequest& request) {
  return ForEachBox(
      session, request.boxes,
      [&](Runtime& runtime, const BoxId& id, const std::string&) -> Result<std::string> {
        if (!request.exec.empty()) {
          BOXLITE_ASSIGN_OR_RETURN(ProgramEnd end, runtime.WaitExec(id, request.exec));
          return std::to_string(ExitCodeOf(end));
        }
        BOXLITE_ASSIGN_OR_RETURN(ProcessExit exit, runtime.Wait(id));
        return std::to_string(exit.ShellCode());
      });
}

}  // namespace

Result<WaitRequest> ParseWait(const Arguments& arguments) {
  WaitRequest request;
  BOXLITE_ASSIGN_OR_RETURN(BoxesRequest boxes, ParseBoxes(arguments));
  request.boxes = std::move(boxes.boxes);
  BOXLITE_ASSIGN_OR_RETURN(request.exec, ParseExecId(arguments, request.boxes));
  return request;
}

constinit const Subcommand kWait = {
    .name = "wait",
    .aliases = "",
    .purpose = "Wait until the main commands of boxes have ended, and print their exit codes",
    .usage = "[OPTIONS] BOX...",
    .notes =
        "128 + N stands for signal N. A box whose last life ended without an exit of its main\n"
        "command (it crashed) is an error, never 0.\n"
        "With --exec: the code that exec ended with, 124 when its timeout ended it; as often as\n"
        "asked while the exec is kept ('boxlite exec ls BOX').\n",
    .examples =
        "boxlite wait job\n"
        "boxlite wait --exec exec-3 job\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseWait, ExecuteWait>,
};

}  // namespace boxlite::cli

#include "boxlite/cli/each_box.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"signal", 's', "SIGNAL", "Name or number of the signal (KILL unless said)"},
    {"exec", 0, "ID", "Send it to the process group of this exec instead"},
};

int ExecuteKill(Session& session, const KillRequest& request) {
  return ForEachBox(
      session, request.boxes,
      [&](Runtime& runtime, const BoxId& id, const std::string& reference) -> Result<std::string> {
        BOXLITE_RETURN_IF_ERROR(request.exec.empty()
                                    ? runtime.Kill(id, request.signal)
                                    : runtime.SignalExec(id, request.exec, request.signal));
        return reference;
      });
}

}  // namespace

Result<KillRequest> ParseKill(const Arguments& arguments) {
  KillRequest request;
  BOXLITE_ASSIGN_OR_RETURN(BoxesRequest boxes, ParseBoxes(arguments));
  request.boxes = std::move(boxes.boxes);
  BOXLITE_ASSIGN_OR_RETURN(request.exec, ParseExecId(arguments, request.boxes));
  Result<int> signal = ParseSignal(arguments.LastOr("signal", "KILL"));
  if (!signal.ok()) return std::move(signal).error().While("--signal");
  request.signal = *signal;
  return request;
}

constinit const Subcommand kKill = {
    .name = "kill",
    .aliases = "",
    .purpose = "Send a signal to the main command of boxes",
    .usage = "[OPTIONS] BOX...",
    .notes = "When the main command ends of it, the box ends too.\n",
    .examples =
        "boxlite kill web\n"
        "boxlite kill -s HUP web\n"
        "boxlite kill --exec exec-3 -s TERM web\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseKill, ExecuteKill>,
};

}  // namespace boxlite::cli

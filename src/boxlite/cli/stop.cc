#include "boxlite/cli/each_box.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/stop_option.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

int ExecuteStop(Session& session, const StopRequest& request) {
  return ForEachBox(
      session, request.boxes,
      [&](Runtime& runtime, const BoxId& id, const std::string& reference) -> Result<std::string> {
        BOXLITE_ASSIGN_OR_RETURN(EndReport report, runtime.Stop(id, request.grace));
        TellForced(session.console(), reference, report);
        return reference;
      });
}

}  // namespace

Result<StopRequest> ParseStop(const Arguments& arguments) {
  StopRequest request;
  BOXLITE_ASSIGN_OR_RETURN(BoxesRequest boxes, ParseBoxes(arguments));
  request.boxes = std::move(boxes.boxes);
  request.grace = kDefaultGrace;
  if (const std::optional<std::string> time = arguments.Last("time")) {
    Result<std::chrono::milliseconds> grace = ParseDuration(*time);
    if (!grace.ok()) return std::move(grace).error().While("--time");
    request.grace = *grace;
  }
  return request;
}

void TellForced(Console& console, const std::string& reference, const EndReport& report) {
  if (report.forced) console.Note("box " + reference + " had to be forced: " + report.note);
}

constinit const Subcommand kStop = {
    .name = "stop",
    .aliases = "",
    .purpose = "Stop boxes: their main command first, then the machine, with all data written",
    .usage = "[OPTIONS] BOX...",
    .notes = "A box that is not running is fine as it is; nothing is started for it.\n",
    .examples =
        "boxlite stop web\n"
        "boxlite stop -t 60 db\n",
    .syntax = {kStopOptions, {}},
    .prepare = Prepare<ParseStop, ExecuteStop>,
};

}  // namespace boxlite::cli

#include "boxlite/cli/each_box.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/stop_option.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

int ExecuteRestart(Session& session, const StopRequest& request) {
  return ForEachBox(
      session, request.boxes,
      [&](Runtime& runtime, const BoxId& id, const std::string& reference) -> Result<std::string> {
        BOXLITE_ASSIGN_OR_RETURN(EndReport report, runtime.Stop(id, request.grace));
        TellForced(session.console(), reference, report);
        BOXLITE_RETURN_IF_ERROR(runtime.Start(id, Attachment::kDetached));
        return reference;
      });
}

}  // namespace

constinit const Subcommand kRestart = {
    .name = "restart",
    .aliases = "",
    .purpose = "Stop boxes and start them again, each on its own disk",
    .usage = "[OPTIONS] BOX...",
    .notes = "A box that is not running is started.\n",
    .examples = "boxlite restart -t 30 db\n",
    .syntax = {kStopOptions, {}},
    .prepare = Prepare<ParseStop, ExecuteRestart>,
};

}  // namespace boxlite::cli

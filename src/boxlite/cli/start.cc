#include "boxlite/cli/each_box.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kUnavailable[] = {{"attach", 'a', "", ""}, {"interactive", 'i', "", ""}};

int ExecuteStart(Session& session, const BoxesRequest& request) {
  return ForEachBox(
      session, request.boxes,
      [](Runtime& runtime, const BoxId& id, const std::string& reference) -> Result<std::string> {
        BOXLITE_RETURN_IF_ERROR(runtime.Start(id, Attachment::kDetached));
        return reference;
      });
}

}  // namespace

constinit const Subcommand kStart = {
    .name = "start",
    .aliases = "",
    .purpose = "Start boxes that are not running",
    .usage = "BOX...",
    .notes = "Returns when their main command has started. A running box is fine as it is.\n",
    .examples = "boxlite start web db\n",
    .syntax = {{}, kUnavailable},
    .prepare = Prepare<ParseBoxes, ExecuteStart>,
};

}  // namespace boxlite::cli

#include "boxlite/cli/each_box.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {{"force", 'f', "", "Kill boxes that are running"}};
constexpr Option kUnavailable[] = {{"all", 'a', "", ""}, {"volumes", 'v', "", ""}};

int ExecuteRemove(Session& session, const RemoveRequest& request) {
  return ForEachBox(
      session, request.boxes,
      [&](Runtime& runtime, const BoxId& id, const std::string& reference) -> Result<std::string> {
        BOXLITE_RETURN_IF_ERROR(runtime.Remove(id, request.force));
        return reference;
      });
}

}  // namespace

Result<RemoveRequest> ParseRemove(const Arguments& arguments) {
  RemoveRequest request;
  BOXLITE_ASSIGN_OR_RETURN(BoxesRequest boxes, ParseBoxes(arguments));
  request.boxes = std::move(boxes.boxes);
  if (arguments.Has("force")) request.force = Runtime::Force::kYes;
  return request;
}

constinit const Subcommand kRemove = {
    .name = "rm",
    .aliases = "remove",
    .purpose = "Remove boxes with their disks and logs",
    .usage = "[OPTIONS] BOX...",
    .notes = "",
    .examples =
        "boxlite rm web\n"
        "boxlite rm -f $(boxlite ls -aq)\n",
    .syntax = {kOptions, kUnavailable},
    .prepare = Prepare<ParseRemove, ExecuteRemove>,
};

}  // namespace boxlite::cli

#include <algorithm>
#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/box_view.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"all", 'a', "", "Also those that are not running"},
    {"quiet", 'q', "", "Ids only"},
    {"no-trunc", 0, "", "Shorten nothing"},
    {"format", 0, "table|json|yaml", "How to show them (a table unless said)"},
};
constexpr Option kUnavailable[] = {
    {"filter", 'f', "", ""}, {"last", 'n', "", ""}, {"latest", 'l', "", ""}, {"size", 's', "", ""}};

int ExecuteList(Session& session, const ListRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<std::vector<BoxInfo>> boxes = (*runtime)->List();
  if (!boxes.ok()) return session.Fail(boxes.error());
  if (!request.all) std::erase_if(*boxes, [](const BoxInfo& box) { return !IsLive(box); });
  const std::int64_t now = WallClockNowNs();
  if (request.ids_only) {
    std::string ids;
    for (const BoxInfo& box : *boxes) ids += box.id.str() + "\n";
    session.console().Print(ids);
  } else if (request.format == Format::kTable) {
    session.console().Print(ListTable(*boxes, now, request.whole));
  } else {
    Document entries = Document::array();
    for (const BoxInfo& box : *boxes) entries.push_back(ListEntry(box, now));
    session.console().Print(Formatted(entries, request.format));
  }
  return kExitOk;
}

}  // namespace

Result<ListRequest> ParseList(const Arguments& arguments) {
  ListRequest request;
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  request.all = arguments.Has("all");
  request.ids_only = arguments.Has("quiet");
  request.whole = arguments.Has("no-trunc");
  if (const std::optional<std::string> format = arguments.Last("format")) {
    if (request.ids_only) {
      return Error(ErrorCode::kInvalidArgument, "--quiet and --format exclude each other");
    }
    BOXLITE_ASSIGN_OR_RETURN(request.format, ParseFormat(*format, "table, json, yaml"));
  }
  return request;
}

constinit const Subcommand kList = {
    .name = "ls",
    .aliases = "ps list",
    .purpose = "List boxes",
    .usage = "[OPTIONS]",
    .notes = "Looking changes nothing: no byte in the home, no box.\n",
    .examples =
        "boxlite ls -a\n"
        "boxlite ls --format json\n",
    .syntax = {kOptions, kUnavailable},
    .prepare = Prepare<ParseList, ExecuteList>,
};

}  // namespace boxlite::cli

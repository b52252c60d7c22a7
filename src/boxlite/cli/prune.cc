#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/ask.h"
#include "boxlite/cli/box_filter.h"
#include "boxlite/cli/instant.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"force", 'f', "", "Do not ask"},
    {"filter", 0, "KIND=VALUE",
     "Only boxes with label=KEY[=VALUE], without label!=KEY[=VALUE], made until=TIME"},
};

int ExecutePrune(Session& session, const PruneRequest& request) {
  Console& console = session.console();
  if (!request.force) {
    const std::optional<int> declined =
        AskToGoOn(session, "prune",
                  "This removes all boxes that do not run" +
                      std::string(request.filtered ? " and that the filters name" : "") +
                      ", with their disks and logs.\n");
    if (declined) return *declined;
  }
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<PruneReport> report =
      (*runtime)->Prune([&request](const BoxInfo& box) { return request.filter.Matches(box); });
  if (!report.ok()) return session.Fail(report.error());
  if (!report->removed.empty()) {
    std::string text = "Removed boxes:\n";
    for (const BoxId& id : report->removed) text += id.str() + "\n";
    console.Print(text + "\n");
  }
  console.Print("Total reclaimed space: " + DecimalSize(report->reclaimed_bytes) + "\n");
  for (const Error& failure : report->failures) session.Fail(failure);
  return report->failures.empty() ? kExitOk : kExitFailure;
}

}  // namespace

Result<PruneRequest> ParsePrune(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  PruneRequest request;
  request.force = arguments.Has("force");
  const std::vector<std::string> filters = arguments.All("filter");
  request.filtered = !filters.empty();
  BOXLITE_ASSIGN_OR_RETURN(request.filter,
                           BoxFilter::Parse(filters, kPruneFilters, WallClockNowNs()));
  return request;
}

constinit const Subcommand kPrune = {
    .name = "prune",
    .aliases = "",
    .purpose = "Remove all boxes that do not run",
    .usage = "[OPTIONS]",
    .notes =
        "Boxes that were never started go too; --filter until=1h spares those younger than an\n"
        "hour. A box that lives, or that another command is changing, is never touched.\n",
    .examples =
        "boxlite prune\n"
        "boxlite prune -f --filter label=ci --filter until=24h\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParsePrune, ExecutePrune>,
};

}  // namespace boxlite::cli

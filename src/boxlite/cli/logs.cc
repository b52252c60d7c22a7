#include "boxlite/cli/instant.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"follow", 'f', "", "Go on until the box has ended"},
    {"tail", 'n', "N", "Only the last N lines ('all' unless said)"},
    {"since", 0, kInstantValue, "Only lines that began then or later"},
    {"until", 0, kInstantValue, "Only lines that began then or earlier; with -f: go on until then"},
    {"timestamps", 't', "", "Put the time before each line, in UTC"},
};
constexpr Option kUnavailable[] = {{"details", 0, "", ""}};

int ExecuteLogs(Session& session, const LogsRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.box);
  if (!id.ok()) return session.Fail(id.error());
  LogOptions options;
  options.follow = request.follow;
  options.tail_lines = request.tail_lines;
  options.since_ns = request.since_ns;
  options.until_ns = request.until_ns;
  options.timestamps = request.timestamps;
  options.stdout_fd = session.console().out_fd();
  options.stderr_fd = session.console().err_fd();
  Status shown = (*runtime)->Logs(*id, options);
  if (shown.ok()) return kExitOk;
  if (IsOfReaderThatLeft(shown.error(), options.stdout_fd)) return kExitReaderLeft;
  return session.Fail(shown.error());
}

}  // namespace

Result<LogsRequest> ParseLogs(const Arguments& arguments) {
  if (arguments.positionals().size() != 1 || arguments.positionals()[0].empty()) {
    return Error(ErrorCode::kInvalidArgument, "logs takes one box");
  }
  LogsRequest request;
  request.box = arguments.positionals()[0];
  request.follow = arguments.Has("follow");
  const std::string tail = arguments.LastOr("tail", "all");
  if (tail != "all") {
    Result<std::uint64_t> lines = ParseNumber(tail, UINT64_MAX);
    if (!lines.ok()) return std::move(lines).error().While("--tail");
    request.tail_lines = *lines;
  }
  BOXLITE_ASSIGN_OR_RETURN(request.since_ns, InstantOf(arguments, "since"));
  BOXLITE_ASSIGN_OR_RETURN(request.until_ns, InstantOf(arguments, "until"));
  request.timestamps = arguments.Has("timestamps");
  return request;
}

constinit const Subcommand kLogs = {
    .name = "logs",
    .aliases = "",
    .purpose = "Show what the main command of a box wrote, also when the box is stopped",
    .usage = "[OPTIONS] BOX",
    .notes = kInstantNotes,
    .examples =
        "boxlite logs web\n"
        "boxlite logs -f -n 20 web\n"
        "boxlite logs -t --since 10m web\n",
    .syntax = {kOptions, kUnavailable},
    .prepare = Prepare<ParseLogs, ExecuteLogs>,
};

}  // namespace boxlite::cli

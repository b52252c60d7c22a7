#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/use_view.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"no-stream", 0, "", "Show it once and end"},
    {"format", 0, "table|json", "How to show it (a table unless said)"},
};
constexpr Option kUnavailable[] = {{"all", 'a', "", ""}, {"no-trunc", 0, "", ""}};

// What lies between two samples: a share of a processor is one of a time.
constexpr std::chrono::seconds kInterval{1};
constexpr char kClearScreen[] = "\x1b[H\x1b[J";

// All boxes that run, or those that were named, with a sample of each. Boxes that do not run, or
// stop while one looks, stay without.
Result<std::vector<UseRow>> Look(Runtime& runtime, const std::vector<std::string>& references) {
  std::vector<UseRow> rows;
  const auto add = [&](const BoxInfo& box) {
    UseRow row{box.id,
               box.spec.ok() ? box.spec->name : "",
               std::string(BoxStateName(box.derived.state)),
               {},
               {}};
    if (box.derived.state == BoxState::kRunning) {
      Result<BoxUse> use = runtime.Statistics(box.id);
      if (use.ok()) {
        row.after = *use;
      } else {
        Result<BoxInfo> again = runtime.Inspect(box.id);
        row.state = !again.ok() ? "removed"
                    : again->derived.state == BoxState::kRunning
                        ? "no answer"
                        : std::string(BoxStateName(again->derived.state));
      }
    }
    rows.push_back(std::move(row));
  };
  if (references.empty()) {
    BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxInfo> boxes, runtime.List());
    for (const BoxInfo& box : boxes) {
      if (box.derived.state == BoxState::kRunning) add(box);
    }
    return rows;
  }
  for (const std::string& reference : references) {
    BOXLITE_ASSIGN_OR_RETURN(BoxId id, runtime.Resolve(reference));
    BOXLITE_ASSIGN_OR_RETURN(BoxInfo box, runtime.Inspect(id));
    add(box);
  }
  return rows;
}

// The samples of `earlier` beside the later ones; a box that is new has none and is shown next
// time. One that was there and is no longer looked at keeps a row, once.
std::vector<UseRow> Join(const std::vector<UseRow>& earlier, std::vector<UseRow> later) {
  for (const UseRow& old : earlier) {
    bool found = false;
    for (UseRow& row : later) {
      if (row.id != old.id) continue;
      row.before = old.after;
      found = true;
    }
    if (!found && old.after) later.push_back({old.id, old.name, "ended", {}, {}});
  }
  return later;
}

int ExecuteStats(Session& session, const StatsRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Console& console = session.console();
  const bool screen = ::isatty(console.out_fd()) == 1;
  const bool once = request.once || !screen;
  Result<std::vector<UseRow>> earlier = Look(**runtime, request.boxes);
  if (!earlier.ok()) return session.Fail(earlier.error());
  for (;;) {
    std::this_thread::sleep_for(kInterval);  // not for anything: the time is what is measured
    Result<std::vector<UseRow>> later = Look(**runtime, request.boxes);
    // A named box that was there and is not any more: its row says so.
    if (!later.ok() && later.error().code() != ErrorCode::kNotFound) {
      return session.Fail(later.error());
    }
    const std::vector<UseRow> rows = Join(*earlier, later.ok() ? *later : std::vector<UseRow>());
    if (!once) console.Print(kClearScreen);
    console.Print(request.format == Format::kTable ? UseTable(rows)
                                                   : Formatted(UseEntries(rows), request.format));
    if (once || ReaderLeft(console.out_fd())) return kExitOk;
    if (!later.ok()) return session.Fail(later.error());
    earlier = std::move(later);
  }
}

}  // namespace

Result<StatsRequest> ParseStats(const Arguments& arguments) {
  StatsRequest request;
  request.boxes = arguments.positionals();
  for (const std::string& box : request.boxes) {
    if (box.empty()) return Error(ErrorCode::kInvalidArgument, "a box's name is empty");
  }
  request.once = arguments.Has("no-stream");
  if (const std::optional<std::string> format = arguments.Last("format")) {
    BOXLITE_ASSIGN_OR_RETURN(request.format, ParseFormat(*format, "table, json"));
  }
  return request;
}

constinit const Subcommand kStats = {
    .name = "stats",
    .aliases = "",
    .purpose = "Show what boxes use: processor, memory, disk, in the box and on the host",
    .usage = "[OPTIONS] [BOX...]",
    .notes =
        "All running boxes unless some are named. On a terminal it goes on every second until it "
        "is\n"
        "interrupted; elsewhere, unlike docker's, it is shown once. CPU % is of one processor, "
        "over\n"
        "the second between two samples. MEM USAGE counts the page cache too. SHIM and VM are the\n"
        "box's two processes on the host: memory (what is shared is divided) and CPU %. A box "
        "that\n"
        "does not run has its state in place of numbers.\n",
    .examples =
        "boxlite stats\n"
        "boxlite stats --no-stream --format json web\n",
    .syntax = {kOptions, kUnavailable},
    .prepare = Prepare<ParseStats, ExecuteStats>,
};

}  // namespace boxlite::cli

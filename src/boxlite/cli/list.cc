#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/box_filter.h"
#include "boxlite/cli/box_view.h"
#include "boxlite/cli/go_template.h"
#include "boxlite/cli/list_format.h"
#include "boxlite/cli/list_view.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"all", 'a', "", "Also those that are not running"},
    {"quiet", 'q', "", "Ids only"},
    {"filter", 'f', "KIND=VALUE", "Only boxes that it holds for; may be given again"},
    {"last", 'n', "N", "The N newest, running or not"},
    {"latest", 'l', "", "The newest, running or not"},
    {"size", 's', "", "Also what each takes of the disk"},
    {"no-trunc", 0, "", "Shorten nothing"},
    {"format", 0, "table|json|yaml|TEMPLATE",
     "How to show them (a table unless said); a template like '{{.ID}}', or 'table {{.ID}}'"},
};

using Sizes = std::map<BoxId, std::uint64_t>;

// The boxes that are asked for, newest first.
Result<std::vector<BoxInfo>> Select(Runtime& runtime, const ListRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxInfo> boxes, runtime.List());
  BoxFilter filter = request.filter;
  BOXLITE_RETURN_IF_ERROR(filter.Resolve([&](const std::string& reference) -> Result<std::int64_t> {
    BOXLITE_ASSIGN_OR_RETURN(BoxId id, runtime.Resolve(reference));
    for (const BoxInfo& box : boxes) {
      if (box.id == id && box.spec.ok()) return box.spec->created_ns;
    }
    return Error(ErrorCode::kNotFound, "it is not known when box " + id.str() + " was made");
  }));
  const bool all = request.all || request.most || filter.NamesEnded();
  std::erase_if(boxes,
                [&](const BoxInfo& box) { return (!all && !IsLive(box)) || !filter.Matches(box); });
  if (request.most && boxes.size() > *request.most) {
    boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(*request.most), boxes.end());
  }
  return boxes;
}

Result<Sizes> Measure(Runtime& runtime, const std::vector<BoxInfo>& boxes) {
  Sizes sizes;
  for (const BoxInfo& box : boxes) {
    BOXLITE_ASSIGN_OR_RETURN(std::uint64_t bytes, runtime.DiskUsage(box.id));
    sizes.emplace(box.id, bytes);
  }
  return sizes;
}

Result<std::string> ByTemplate(const std::vector<BoxInfo>& boxes, const Sizes& sizes,
                               const ListRequest& request, std::int64_t now) {
  BOXLITE_ASSIGN_OR_RETURN(GoTemplate form, GoTemplate::Parse(request.template_text));
  const bool table = request.format == Format::kTemplateTable;
  std::vector<Document> entries;
  if (table) entries.push_back(ListHeadings());
  for (const BoxInfo& box : boxes) {
    const auto size = sizes.find(box.id);
    entries.push_back(ListRow(
        box, now, size == sizes.end() ? std::nullopt : std::optional<std::uint64_t>(size->second)));
  }
  return FormatTemplate(form, entries, table);
}

Result<std::string> Shown(Runtime& runtime, const ListRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxInfo> boxes, Select(runtime, request));
  if (request.ids_only) {
    std::string ids;
    for (const BoxInfo& box : boxes) ids += box.id.str() + "\n";
    return ids;
  }
  Sizes sizes;
  if (request.sizes || request.template_text.find(".Size") != std::string::npos) {
    BOXLITE_ASSIGN_OR_RETURN(sizes, Measure(runtime, boxes));
  }
  const std::int64_t now = WallClockNowNs();
  switch (request.format) {
    case Format::kTable:
      return ListTable(boxes, now, request.whole, request.sizes ? &sizes : nullptr);
    case Format::kTemplate:
    case Format::kTemplateTable: {
      Result<std::string> text = ByTemplate(boxes, sizes, request, now);
      return text.ok() ? std::move(text) : std::move(text).error().While("--format");
    }
    case Format::kJson:
    case Format::kYaml:
      break;
  }
  Document entries = Document::array();
  for (const BoxInfo& box : boxes) {
    entries.push_back(ListEntry(box, now));
    if (request.sizes) entries.back()["size_bytes"] = sizes.at(box.id);
  }
  return Formatted(entries, request.format);
}

int ExecuteList(Session& session, const ListRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<std::string> text = Shown(**runtime, request);
  if (!text.ok()) return session.Fail(text.error());
  session.console().Print(*text);
  return kExitOk;
}

}  // namespace

Result<ListRequest> ParseList(const Arguments& arguments) {
  ListRequest request;
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  request.all = arguments.Has("all");
  request.ids_only = arguments.Has("quiet");
  request.whole = arguments.Has("no-trunc");
  request.sizes = arguments.Has("size");
  if (arguments.Has("latest")) request.most = 1;
  if (const std::optional<std::string> last = arguments.Last("last")) {
    Result<std::uint64_t> most = ParseNumber(*last, UINT32_MAX);
    if (!most.ok()) return std::move(most).error().While("--last");
    request.most = *most;
  }
  BOXLITE_ASSIGN_OR_RETURN(
      request.filter, BoxFilter::Parse(arguments.All("filter"), kListFilters, WallClockNowNs()));
  if (const std::optional<std::string> format = arguments.Last("format")) {
    if (request.ids_only) {
      return Error(ErrorCode::kInvalidArgument, "--quiet and --format exclude each other");
    }
    BOXLITE_ASSIGN_OR_RETURN(ListFormat parsed, ParseListFormat(*format));
    request.format = parsed.format;
    request.template_text = std::move(parsed.template_text);
  }
  return request;
}

constexpr std::string_view kNotes =
    "Looking changes nothing: no byte in the home, no box.\n"
    "\n"
    "Filters: status=, name= (a part of it; ^ and $ bind it to an end), id= (its begin),\n"
    "label=KEY[=VALUE], image=, exited=CODE, before=BOX, since=BOX. Of several kinds all must\n"
    "hold, of one kind any, of labels all. status= and exited= find boxes that do not run, too.\n"
    "\n"
    "A template has .ID, .Names, .Image, .Command, .State, .Status, .CreatedAt, .RunningFor,\n"
    ".Size, .Labels, and the keys of --format json.\n";

constinit const Subcommand kList = {
    .name = "ls",
    .aliases = "ps list",
    .purpose = "List boxes",
    .usage = "[OPTIONS]",
    .notes = kNotes,
    .examples =
        "boxlite ls -a\n"
        "boxlite ls --filter status=failed --filter label=ci\n"
        "boxlite ls --format 'table {{.Names}}\\t{{.Status}}'\n"
        "boxlite ls --format json\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseList, ExecuteList>,
};

}  // namespace boxlite::cli

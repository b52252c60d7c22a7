#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/go_template.h"
#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/image_view.h"
#include "boxlite/cli/list_format.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"all", 'a', "", "Nothing more: there are no images in between"},
    {"quiet", 'q', "", "Ids only"},
    {"no-trunc", 0, "", "Shorten nothing"},
    {"digests", 0, "", "Also what registries call them"},
    {"filter", 'f', "KIND=VALUE", "Only images that it holds for; may be given again"},
    {"format", 0, "table|json|yaml|TEMPLATE",
     "How to show them (a table unless said); a template like '{{.ID}}', or 'table {{.ID}}'"},
};

Result<std::string> ByTemplate(const std::vector<ImageRow>& rows, const ImagesRequest& request,
                               std::int64_t now) {
  BOXLITE_ASSIGN_OR_RETURN(GoTemplate form, GoTemplate::Parse(request.template_text));
  const bool table = request.format == Format::kTemplateTable;
  std::vector<Document> entries;
  if (table) entries.push_back(ImageRowHeadings());
  for (const ImageRow& row : rows) entries.push_back(ImageRowEntry(row, now, request.whole));
  return FormatTemplate(form, entries, table);
}

Result<std::string> Shown(Images images, const ImagesRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageEntry> entries, images.List());
  std::vector<ImageRow> rows = RowsOf(entries);
  std::erase_if(rows, [&](const ImageRow& row) { return !request.filter.Matches(row); });
  if (request.ids_only) {
    std::string ids;
    for (const ImageRow& row : rows) {
      ids += (request.whole ? row.entry->digest : ShortDigest(row.entry->digest)) + "\n";
    }
    return ids;
  }
  const std::int64_t now = WallClockNowNs();
  switch (request.format) {
    case Format::kTable:
      return ImageTable(rows, now, request.whole, request.digests);
    case Format::kTemplate:
    case Format::kTemplateTable: {
      Result<std::string> text = ByTemplate(rows, request, now);
      return text.ok() ? std::move(text) : std::move(text).error().While("--format");
    }
    case Format::kJson:
    case Format::kYaml:
      break;
  }
  Document list = Document::array();
  for (const ImageRow& row : rows) list.push_back(ImageRowEntry(row, now, request.whole));
  return Formatted(list, request.format);
}

int ExecuteImages(Session& session, const ImagesRequest& request) {
  Result<std::string> text = Shown(session.images(), request);
  if (!text.ok()) return session.Fail(text.error());
  session.console().Print(*text);
  return kExitOk;
}

}  // namespace

Result<ImagesRequest> ParseImages(const Arguments& arguments) {
  ImagesRequest request;
  if (arguments.positionals().size() > 1) {
    return Error(ErrorCode::kInvalidArgument, "there can be one REPOSITORY[:TAG] only");
  }
  request.ids_only = arguments.Has("quiet");
  request.whole = arguments.Has("no-trunc");
  request.digests = arguments.Has("digests");
  BOXLITE_ASSIGN_OR_RETURN(request.filter,
                           ImageFilter::Parse(arguments.All("filter"), WallClockNowNs()));
  if (!arguments.positionals().empty()) {
    request.filter.AddReference(arguments.positionals()[0]);
  }
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
    "Of an image with several names each is a line; one without a name is <none>. The image that\n"
    "ships with boxlite is always there. SIZE is what it takes of the disk.\n"
    "\n"
    "Filters: dangling=true|false, reference=PATTERN, label=KEY[=VALUE], label!=KEY[=VALUE],\n"
    "until=TIME (since when it is here). In a PATTERN * stands for anything but a slash.\n"
    "\n"
    "A template has .Repository, .Tag, .Digest, .ID, .CreatedSince, .CreatedAt, .Size, and the\n"
    "keys of --format json.\n";

constinit const Subcommand kImages = {
    .name = "images",
    .aliases = "",
    .purpose = "List images",
    .usage = "[OPTIONS] [IMAGE]",
    .notes = kNotes,
    .examples =
        "boxlite images\n"
        "boxlite images --filter dangling=true -q\n"
        "boxlite images --format 'table {{.Repository}}\\t{{.Size}}' 'debian:*'\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseImages, ExecuteImages>,
};

}  // namespace boxlite::cli

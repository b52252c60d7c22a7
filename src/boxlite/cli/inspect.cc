#include <nlohmann/json.hpp>

#include "boxlite/cli/box_view.h"
#include "boxlite/cli/go_template.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"format", 'f', "json|yaml|TEMPLATE",
     "How to show them (json unless said); a template like '{{.Id}}'"},
};
constexpr Option kUnavailable[] = {
    {"latest", 'l', "", ""}, {"size", 's', "", ""}, {"type", 0, "", ""}};

Result<Document> InspectOne(Runtime& runtime, const std::string& reference) {
  BOXLITE_ASSIGN_OR_RETURN(BoxId id, runtime.Resolve(reference));
  BOXLITE_ASSIGN_OR_RETURN(BoxInfo box, runtime.Inspect(id));
  return InspectEntry(box);
}

int ExecuteInspect(Session& session, const InspectRequest& request) {
  Result<GoTemplate> form = GoTemplate::Parse(request.template_text);
  if (!form.ok()) return session.Fail(std::move(form).error().While("--format"));
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  int code = kExitOk;
  Document entries = Document::array();
  for (const std::string& reference : request.boxes) {
    Result<Document> entry = InspectOne(**runtime, reference);
    if (!entry.ok()) {
      code = session.Fail(entry.error());
    } else if (request.format == Format::kTemplate) {
      Result<std::string> text = form->Execute(*entry);
      if (text.ok()) {
        session.console().Print(*text + "\n");
      } else {
        code = session.Fail(std::move(text).error().While("--format"));
      }
    } else {
      entries.push_back(*entry);
    }
  }
  if (request.format != Format::kTemplate)
    session.console().Print(Formatted(entries, request.format));
  return code;
}

}  // namespace

Result<InspectRequest> ParseInspect(const Arguments& arguments) {
  InspectRequest request;
  BOXLITE_ASSIGN_OR_RETURN(BoxesRequest boxes, ParseBoxes(arguments));
  request.boxes = std::move(boxes.boxes);
  const std::string format = arguments.LastOr("format", "json");
  if (format.find("{{") != std::string::npos) {
    request.format = Format::kTemplate;
    request.template_text = format;
    Result<GoTemplate> form = GoTemplate::Parse(format);
    if (!form.ok()) return std::move(form).error().While("--format");
    return request;
  }
  Result<Format> named = ParseFormat(format, "json, yaml");
  if (!named.ok()) {
    return Error(
        ErrorCode::kInvalidArgument,
        "--format '" + format + "' is none of: json, yaml, a template like '{{.State.Status}}'");
  }
  request.format = *named;
  return request;
}

constinit const Subcommand kInspect = {
    .name = "inspect",
    .aliases = "",
    .purpose = "Show all that is known of boxes, and the evidence for it",
    .usage = "[OPTIONS] BOX...",
    .notes =
        "A template knows {{.A.B}}, {{json .A}}, {{index .Labels \"key\"}}, {{len .A}},\n"
        "{{if .A}}, {{range .A}}, {{else}} and {{end}}.\n",
    .examples =
        "boxlite inspect web\n"
        "boxlite inspect -f '{{.State.Status}}: {{.State.Reason}}' web\n",
    .syntax = {kOptions, kUnavailable},
    .prepare = Prepare<ParseInspect, ExecuteInspect>,
};

}  // namespace boxlite::cli

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "boxlite/cli/event_view.h"
#include "boxlite/cli/go_template.h"
#include "boxlite/cli/instant.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/template_text.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"since", 0, kInstantValue, "Begin with what happened then, as far as it is known"},
    {"until", 0, kInstantValue, "End then; without it the stream goes on"},
    {"filter", 'f', "KIND=VALUE", "Only events of box=, event=, image=, label=KEY[=VALUE]"},
    {"format", 0, "json|TEMPLATE", "One document a line, or a template like '{{.Action}}'"},
};

Result<std::string> Shown(const BoxEvent& event, const EventsRequest& request,
                          const GoTemplate& form) {
  if (request.format == Format::kTable) return EventLine(event);
  if (request.format == Format::kJson) return ToCompactJson(EventEntry(event)) + "\n";
  BOXLITE_ASSIGN_OR_RETURN(std::string text, form.Execute(EventForTemplate(event)));
  return text + "\n";
}

// A pipe whose reader leaves ends the stream, also while nothing happens.
int StopDescriptor(int out_fd) {
  struct stat info = {};
  return ::fstat(out_fd, &info) == 0 && S_ISFIFO(info.st_mode) ? out_fd : -1;
}

int ExecuteEvents(Session& session, const EventsRequest& request) {
  Result<GoTemplate> form = GoTemplate::Parse(request.template_text);
  if (!form.ok()) return session.Fail(std::move(form).error().While("--format"));
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Console& console = session.console();
  EventOptions options;
  options.since_ns = request.since_ns;
  options.until_ns = request.until_ns;
  options.stop_fd = StopDescriptor(console.out_fd());
  EventSink sink;
  sink.note = [&console](const std::string& text) { console.Note(text); };
  sink.take = [&](const BoxEvent& event) -> Status {
    if (!request.filter.Matches(event)) return {};
    Result<std::string> text = Shown(event, request, *form);
    if (!text.ok()) return std::move(text).error().While("--format");
    console.Print(*text);
    return {};
  };
  Status watched = (*runtime)->WatchEvents(options, sink);
  if (ReaderLeft(console.out_fd())) return kExitReaderLeft;
  return watched.ok() ? kExitOk : session.Fail(watched.error());
}

}  // namespace

Result<EventsRequest> ParseEvents(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  EventsRequest request;
  BOXLITE_ASSIGN_OR_RETURN(request.since_ns, InstantOf(arguments, "since"));
  BOXLITE_ASSIGN_OR_RETURN(request.until_ns, InstantOf(arguments, "until"));
  BOXLITE_ASSIGN_OR_RETURN(request.filter, EventFilter::Parse(arguments.All("filter")));
  const std::optional<std::string> format = arguments.Last("format");
  if (!format) return request;
  if (*format == "json") {
    request.format = Format::kJson;
    return request;
  }
  BOXLITE_ASSIGN_OR_RETURN(request.template_text, ParseTemplateText(*format, "json"));
  request.format = Format::kTemplate;
  return request;
}

constinit const Subcommand kEvents = {
    .name = "events",
    .aliases = "",
    .purpose = "Show what happens to the boxes, whoever does it, as it happens",
    .usage = "[OPTIONS]",
    .notes =
        "Events: create, start, die (exitCode), stop, rename (oldName), destroy; of one box "
        "always\n"
        "in this order. Nothing is written for it and nothing need run; docs/events.md says what\n"
        "cannot be seen.\n"
        "\n"
        "TIME is a date like 2026-11-24T13:18:05Z, seconds since 1970, or how long ago: 10m.\n",
    .examples =
        "boxlite events\n"
        "boxlite events --since 1h --filter event=die --format '{{.ID}} "
        "{{.Actor.Attributes.exitCode}}'\n"
        "boxlite events --format json --filter label=ci\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseEvents, ExecuteEvents>,
};

}  // namespace boxlite::cli

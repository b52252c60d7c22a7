// image: the verbs about images in one place, as docker has them, and those that stand nowhere
// else: inspect, history, prune.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/ask.h"
#include "boxlite/cli/go_template.h"
#include "boxlite/cli/help.h"
#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/image_view.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/table.h"
#include "boxlite/cli/units.h"
#include "boxlite/oci/manifest.h"

namespace boxlite::cli {
namespace {

constexpr Option kInspectOptions[] = {
    {"format", 'f', "json|yaml|TEMPLATE",
     "How to show them (json unless said); a template like '{{.Id}}'"},
};
constexpr Option kHistoryOptions[] = {
    {"quiet", 'q', "", "Ids only"},
    {"no-trunc", 0, "", "Shorten nothing"},
    {"format", 0, "table|json|yaml", "How to show it (a table unless said)"},
};
constexpr Option kPruneOptions[] = {
    {"all", 'a', "", "All that no box needs, not only those without a name"},
    {"force", 'f', "", "Do not ask"},
    {"filter", 0, "KIND=VALUE", "Only images that it holds for, as in 'boxlite images --help'"},
};
constexpr Option kCollectOptions[] = {
    {"dry-run", 'n', "", "Change nothing, tell what would go"},
};

int ExecuteInspectImage(Session& session, const InspectImageRequest& request) {
  Result<GoTemplate> form = GoTemplate::Parse(request.template_text);
  if (!form.ok()) return session.Fail(std::move(form).error().While("--format"));
  int code = kExitOk;
  Document entries = Document::array();
  for (const std::string& words : request.images) {
    Result<ImageEntry> entry = session.images().Find(words);
    if (!entry.ok()) {
      code = session.Fail(entry.error());
    } else if (request.format == Format::kTemplate) {
      Result<std::string> text = form->Execute(ImageInspectEntry(*entry));
      if (text.ok()) {
        session.console().Print(*text + "\n");
      } else {
        code = session.Fail(std::move(text).error().While("--format"));
      }
    } else {
      entries.push_back(ImageInspectEntry(*entry));
    }
  }
  if (request.format != Format::kTemplate) {
    session.console().Print(Formatted(entries, request.format));
  }
  return code;
}

// Of its layers as they came, where its manifest was kept.
std::vector<std::uint64_t> LayerSizes(const std::string& manifest) {
  std::vector<std::uint64_t> sizes;
  Result<OciManifest> parsed = ParseManifest(manifest);
  if (!parsed.ok()) return sizes;
  for (const Descriptor& layer : parsed->layers) sizes.push_back(layer.size);
  return sizes;
}

Result<std::string> History(Images images, const HistoryRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(ImageEntry entry, images.Find(request.image));
  if (!entry.image.ok()) return entry.image.error();
  BOXLITE_ASSIGN_OR_RETURN(Images::Documents documents, images.ReadDocuments(entry));
  const std::vector<HistoryRow> rows =
      HistoryRows(entry, LayerSizes(documents.manifest), request.whole);
  const std::int64_t now = WallClockNowNs();
  std::vector<std::vector<std::string>> table = {
      {"IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"}};
  Document list = Document::array();
  std::string ids;
  for (const HistoryRow& row : rows) {
    const std::string ago =
        row.created_ns == 0
            ? "N/A"
            : DescribeDuration(std::chrono::nanoseconds(now - row.created_ns)) + " ago";
    table.push_back({row.image, ago, row.created_by, row.size, row.comment});
    list.push_back({{"image", row.image},
                    {"created", FormatTime(row.created_ns)},
                    {"created_by", row.created_by},
                    {"size", row.size},
                    {"comment", row.comment}});
    ids += row.image + "\n";
  }
  if (request.ids_only) return ids;
  return request.format == Format::kTable ? FormatTable(table) : Formatted(list, request.format);
}

int ExecuteHistory(Session& session, const HistoryRequest& request) {
  Result<std::string> text = History(session.images(), request);
  if (!text.ok()) return session.Fail(text.error());
  session.console().Print(*text);
  return kExitOk;
}

void PrintCleanup(Console& console, const ImageCleanup& cleanup, bool dry_run) {
  std::string text;
  for (const RemovedImage& image : cleanup.images) {
    for (const std::string& name : image.untagged) {
      text += "untagged: " + FamiliarName(name) + "\n";
    }
    text += "deleted: " + image.deleted + "\n";
  }
  if (!text.empty())
    text = (dry_run ? "Images that would go:\n" : "Deleted images:\n") + text + "\n";
  if (!cleanup.leftovers.empty()) {
    text += dry_run ? "What ended commands left, and would go:\n" : "What ended commands left:\n";
    for (const std::string& name : cleanup.leftovers) text += "images/" + name + "\n";
    text += "\n";
  }
  console.Print(text + (dry_run ? "Space that would be reclaimed: " : "Total reclaimed space: ") +
                DecimalSize(cleanup.reclaimed_bytes) + "\n");
  for (const std::string& name : cleanup.strangers) {
    console.Note(name + " in the home is not boxlite's, or damaged: it was left alone");
  }
}

int FinishCleanup(Session& session, const Result<ImageCleanup>& cleanup, bool dry_run) {
  if (!cleanup.ok()) return session.Fail(cleanup.error());
  PrintCleanup(session.console(), *cleanup, dry_run);
  for (const Error& failure : cleanup->failures) session.Fail(failure);
  return cleanup->failures.empty() ? kExitOk : kExitFailure;
}

int ExecutePruneImages(Session& session, const PruneImagesRequest& request) {
  const std::string what = request.all ? "This removes all images that no box needs.\n"
                                       : "This removes all images without a name that no box "
                                         "needs.\n";
  if (!request.force) {
    const std::optional<int> declined = AskToGoOn(session, "image prune", what);
    if (declined) return *declined;
  }
  return FinishCleanup(session,
                       session.images().Prune(
                           request.all, /*dry_run=*/false,
                           [&](const ImageEntry& entry) { return request.filter.Matches(entry); }),
                       /*dry_run=*/false);
}

int ExecuteCollect(Session& session, const CollectRequest& request) {
  return FinishCleanup(session,
                       session.images().Prune(/*all=*/false, request.dry_run,
                                              [](const ImageEntry&) { return true; }),
                       request.dry_run);
}

constexpr Subcommand kInspectImage = {
    .name = "image inspect",
    .aliases = "",
    .purpose = "Show all that is known of images",
    .usage = "[OPTIONS] IMAGE...",
    .notes = "Templates are those of 'boxlite inspect --help'.\n",
    .examples = "boxlite image inspect -f '{{json .Config.Env}}' debian:12\n",
    .syntax = {kInspectOptions, {}},
    .prepare = Prepare<ParseInspectImage, ExecuteInspectImage>,
};

constexpr Subcommand kHistory = {
    .name = "image history",
    .aliases = "",
    .purpose = "Show how an image was made",
    .usage = "[OPTIONS] IMAGE",
    .notes = "A size is what the step's layer had in the registry or archive.\n",
    .examples = "boxlite image history debian:12\n",
    .syntax = {kHistoryOptions, {}},
    .prepare = Prepare<ParseHistory, ExecuteHistory>,
};

constexpr Subcommand kPruneImages = {
    .name = "image prune",
    .aliases = "",
    .purpose = "Remove images that nobody needs",
    .usage = "[OPTIONS]",
    .notes = "What a box was made of always stays.\n",
    .examples = "boxlite image prune -a -f --filter until=240h\n",
    .syntax = {kPruneOptions, {}},
    .prepare = Prepare<ParsePruneImages, ExecutePruneImages>,
};

struct ImageVerb {
  std::string_view names;  // separated by spaces
  const Subcommand* subcommand;
};
constexpr std::array kVerbs = {
    ImageVerb{"ls list", &kImages},
    ImageVerb{"inspect", &kInspectImage},
    ImageVerb{"history", &kHistory},
    ImageVerb{"prune", &kPruneImages},
    ImageVerb{"rm remove", &kRemoveImage},
    ImageVerb{"tag", &kTag},
    ImageVerb{"pull", &kPull},
    ImageVerb{"load", &kLoad},
    ImageVerb{"import", &kImport},
    ImageVerb{"save", &kSave},
};

const Subcommand* FindImageVerb(const std::string& name) {
  const std::string wanted = " " + name + " ";
  for (const ImageVerb& verb : kVerbs) {
    if ((" " + std::string(verb.names) + " ").find(wanted) != std::string::npos) {
      return verb.subcommand;
    }
  }
  return nullptr;
}

Result<Action> PrepareImage(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (words.empty() || words[0].find(' ') != std::string::npos) {
    return Error(ErrorCode::kInvalidArgument, "a command is missing: ls, inspect, prune, ...");
  }
  const Subcommand* verb = FindImageVerb(words[0]);
  if (verb == nullptr) {
    return Error(ErrorCode::kInvalidArgument, "there is no command image " + words[0]);
  }
  Result<Arguments> inner =
      Arguments::Parse(verb->syntax, std::span<const std::string>(words).subspan(1));
  if (!inner.ok()) return std::move(inner).error().While(words[0]);
  if (inner->Has("help")) {
    return Action([verb](Session& session) {
      session.console().Print(SubcommandHelp(*verb));
      return kExitOk;
    });
  }
  Result<Action> action = verb->prepare(*inner);
  if (!action.ok()) return std::move(action).error().While(words[0]);
  const std::optional<std::string> home = inner->Last("home");
  if (!home) return action;
  return Action([work = std::move(*action), home = *home](Session& session) {
    Session there(session.console(), home);
    return work(there);
  });
}

}  // namespace

Result<InspectImageRequest> ParseInspectImage(const Arguments& arguments) {
  InspectImageRequest request;
  request.images = arguments.positionals();
  if (request.images.empty()) return Error(ErrorCode::kInvalidArgument, "an image is missing");
  const std::string format = arguments.LastOr("format", "json");
  if (format.find("{{") == std::string::npos) {
    BOXLITE_ASSIGN_OR_RETURN(request.format, ParseFormat(format, "json, yaml"));
    return request;
  }
  request.format = Format::kTemplate;
  request.template_text = format;
  Result<GoTemplate> form = GoTemplate::Parse(format);
  if (!form.ok()) return std::move(form).error().While("--format");
  return request;
}

Result<HistoryRequest> ParseHistory(const Arguments& arguments) {
  if (arguments.positionals().size() != 1) {
    return Error(ErrorCode::kInvalidArgument, "it takes one image");
  }
  HistoryRequest request;
  request.image = arguments.positionals()[0];
  request.ids_only = arguments.Has("quiet");
  request.whole = arguments.Has("no-trunc");
  BOXLITE_ASSIGN_OR_RETURN(request.format,
                           ParseFormat(arguments.LastOr("format", "table"), "table, json, yaml"));
  return request;
}

Result<PruneImagesRequest> ParsePruneImages(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  PruneImagesRequest request;
  request.all = arguments.Has("all");
  request.force = arguments.Has("force");
  BOXLITE_ASSIGN_OR_RETURN(request.filter,
                           ImageFilter::Parse(arguments.All("filter"), WallClockNowNs()));
  return request;
}

Result<CollectRequest> ParseCollect(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  return CollectRequest{arguments.Has("dry-run")};
}

constinit const Subcommand kImage = {
    .name = "image",
    .aliases = "",
    .purpose = "Inspect and manage images: ls, inspect, history, prune, rm, tag, ...",
    .usage = "ls|inspect|history|prune|rm|tag|pull|load|import|save [OPTIONS] [ARG...]",
    .notes =
        "inspect  show all that is known of images\n"
        "history  show how an image was made\n"
        "prune    remove images that nobody needs (-a: also those with a name)\n"
        "ls, rm, tag, pull, load, import and save are the commands images, rmi, tag, ...\n"
        "\n"
        "'boxlite image COMMAND --help' explains one.\n",
    .examples =
        "boxlite image inspect -f '{{json .Config.Env}}' debian:12\n"
        "boxlite image history debian:12\n"
        "boxlite image prune -a -f --filter until=240h\n",
    .syntax = {{}, {}, Positionals::kEndOptions},
    .prepare = PrepareImage,
};

constinit const Subcommand kCollect = {
    .name = "gc",
    .aliases = "",
    .purpose = "Take away what nobody needs: images without a name, leftovers",
    .usage = "[OPTIONS]",
    .notes =
        "Images that no box needs and that have no name, and what commands left that were killed.\n"
        "What is not boxlite's is told and stays.\n",
    .examples = "boxlite gc --dry-run\n",
    .syntax = {kCollectOptions, {}},
    .prepare = Prepare<ParseCollect, ExecuteCollect>,
};

}  // namespace boxlite::cli

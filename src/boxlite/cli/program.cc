// From the words of a command line to a subcommand at work.
#include <algorithm>
#include <array>

#include "boxlite/cli/help.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/suggest.h"
#include "boxlite/cli/version.h"

namespace boxlite::cli {
namespace {

constexpr std::array kAll = {&kRun,     &kCreate, &kStart,       &kStop,   &kRestart, &kKill,
                             &kRemove,  &kRename, &kPrune,       &kExec,   &kAttach,  &kCopy,
                             &kWait,    &kLogs,   &kEvents,      &kTop,    &kStats,   &kList,
                             &kInspect, &kInfo,   &kImages,      &kPull,   &kLoad,    &kImport,
                             &kSave,    &kTag,    &kRemoveImage, &kImage,  &kLogin,   &kLogout,
                             &kCollect, &kDoctor, &kCompletion,  &kVersion};

// Verbs of docker and of later versions: named as missing, rather than as unknown.
constexpr std::string_view kUnavailableVerbs[] = {"auth",   "build",   "clone",    "commit", "diff",
                                                  "export", "network", "pause",    "port",   "push",
                                                  "search", "serve",   "snapshot", "volume"};

constexpr Option kProgramOptions[] = {
    {"version", 'v', "", "Show the version"},
};

bool HasAlias(std::string_view aliases, std::string_view name) {
  while (!aliases.empty()) {
    const std::size_t end = std::min(aliases.find(' '), aliases.size());
    if (aliases.substr(0, end) == name) return true;
    aliases.remove_prefix(std::min(end + 1, aliases.size()));
  }
  return false;
}

int FailUsage(Console& console, const Error& error, const std::string& help) {
  console.Report(error);
  console.Note("'" + help + "' shows how it is used");
  return kExitUsage;
}

int FailUnknownVerb(Console& console, const std::string& name) {
  const auto end = std::end(kUnavailableVerbs);
  if (std::find(std::begin(kUnavailableVerbs), end, name) != end) {
    return FailUsage(
        console,
        Error(ErrorCode::kUnsupported, "the command " + name + " is not available in this version"),
        "boxlite --help");
  }
  std::vector<std::string_view> known;
  known.reserve(kAll.size());
  for (const Subcommand* subcommand : kAll) known.push_back(subcommand->name);
  const std::optional<std::string_view> nearest = Nearest(name, known);
  const std::string hint = nearest ? "; did you mean " + std::string(*nearest) + "?" : "";
  return FailUsage(console,
                   Error(ErrorCode::kInvalidArgument, "there is no command " + name + hint),
                   "boxlite --help");
}

int ShowHelp(Console& console, std::span<const std::string> names) {
  if (names.empty()) {
    console.Print(ProgramHelp());
    return console.Finish(kExitOk);
  }
  const Subcommand* subcommand = FindSubcommand(names[0]);
  if (subcommand == nullptr) return FailUnknownVerb(console, names[0]);
  console.Print(SubcommandHelp(*subcommand));
  return console.Finish(kExitOk);
}

int RunSubcommand(Console& console, const Subcommand& subcommand,
                  std::span<const std::string> words, std::string home) {
  const std::string name(subcommand.name);
  Result<Arguments> arguments = Arguments::Parse(subcommand.syntax, words);
  if (!arguments.ok()) {
    return FailUsage(console, std::move(arguments).error().While(name),
                     "boxlite " + name + " --help");
  }
  if (arguments->Has("help")) {
    console.Print(SubcommandHelp(subcommand));
    return console.Finish(kExitOk);
  }
  if (const std::optional<std::string> given = arguments->Last("home")) home = *given;
  Result<Action> action = subcommand.prepare(*arguments);
  if (!action.ok()) {
    return FailUsage(console, std::move(action).error().While(name), "boxlite " + name + " --help");
  }
  Session session(console, std::move(home));
  return console.Finish((*action)(session));
}

}  // namespace

std::span<const Subcommand* const> AllSubcommands() { return kAll; }

const Subcommand* FindSubcommand(std::string_view name) {
  const auto found = std::find_if(kAll.begin(), kAll.end(), [&](const Subcommand* subcommand) {
    return subcommand->name == name || HasAlias(subcommand->aliases, name);
  });
  if (found != kAll.end()) return *found;
  return name == kCompleteLine.name ? &kCompleteLine : nullptr;
}

std::span<const Option> ProgramOptions() { return kProgramOptions; }

int RunProgramLine(Console& console, std::span<const std::string> words) {
  const Syntax syntax = {kProgramOptions, {}, Positionals::kEndOptions};
  Result<Arguments> arguments = Arguments::Parse(syntax, words);
  if (!arguments.ok()) return FailUsage(console, arguments.error(), "boxlite --help");
  const std::vector<std::string>& rest = arguments->positionals();
  if (arguments->Has("version")) {
    console.Print(VersionLine());
    return console.Finish(kExitOk);
  }
  if (arguments->Has("help")) return ShowHelp(console, rest);
  if (rest.empty()) {
    console.Print(ProgramHelp());
    return console.Finish(kExitUsage);
  }
  const std::span<const std::string> behind = std::span(rest).subspan(1);
  if (rest[0] == "help") return ShowHelp(console, behind);
  const Subcommand* subcommand = FindSubcommand(rest[0]);
  if (subcommand == nullptr) return FailUnknownVerb(console, rest[0]);
  return RunSubcommand(console, *subcommand, behind, arguments->LastOr("home", ""));
}

}  // namespace boxlite::cli

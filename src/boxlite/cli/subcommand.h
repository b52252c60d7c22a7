// Subcommand: one verb of the program. Each stands in a file of its own, with its options, its
// parsing into a plain request (tested without a runtime) and the work.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "boxlite/cli/arguments.h"
#include "boxlite/cli/session.h"

namespace boxlite::cli {

using Action = std::function<int(Session&)>;  // returns the exit code

struct Subcommand {
  std::string_view name;
  std::string_view aliases;  // separated by spaces
  std::string_view purpose;  // one line
  std::string_view usage;    // behind the name
  std::string_view notes;    // paragraphs, may be empty
  std::string_view examples;
  Syntax syntax;
  // An error is one of usage: nothing has been done.
  Result<Action> (*prepare)(const Arguments& arguments);
};

// prepare of most: parse, and on success bind the request to the work.
template <auto kParse, auto kExecute>
Result<Action> Prepare(const Arguments& arguments) {
  auto request = kParse(arguments);
  if (!request.ok()) return std::move(request).error();
  return Action([request = std::move(request).value()](Session& session) {
    return kExecute(session, request);
  });
}

extern const Subcommand kRun, kCreate, kStart, kStop, kRestart, kKill, kRemove, kExec, kWait, kLogs,
    kAttach, kCopy, kTop, kStats, kList, kInspect, kInfo, kDoctor, kVersion, kRename, kPrune,
    kEvents, kCompletion, kCompleteLine, kImages, kPull, kLoad, kImport, kSave, kRemoveImage, kTag,
    kImage, kCollect, kLogin, kLogout;

// All that help tells of.
std::span<const Subcommand* const> AllSubcommands();
// By name or alias, hidden ones too; nullptr: there is none.
const Subcommand* FindSubcommand(std::string_view name);

// Of the program itself, beside CommonOptions().
std::span<const Option> ProgramOptions();

// The whole program: `words` without the program's name. Returns the exit code.
int RunProgramLine(Console& console, std::span<const std::string> words);

}  // namespace boxlite::cli

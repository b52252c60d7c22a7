// completion, and the hidden verb that its scripts call.
#include "boxlite/cli/complete_line.h"
#include "boxlite/cli/image_view.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr std::string_view kBashScript =
    R"(# bash completion for boxlite: source <(boxlite completion bash)
_boxlite() {
  local program=${COMP_WORDS[0]/#\~/$HOME} current=${COMP_WORDS[COMP_CWORD]} line files=
  local -a answer
  COMPREPLY=()
  mapfile -t answer < <("$program" __complete bash -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for line in "${answer[@]}"; do
    case $line in
      :*) files=$line ;;
      *) COMPREPLY+=("$line") ;;
    esac
  done
  case $current in = | :) current= ;; esac
  case $files in
    :files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current") ;;
    :directories) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current") ;;
    *) [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null
       return 0 ;;
  esac
  compopt -o filenames 2>/dev/null
  return 0
}
complete -F _boxlite boxlite
)";

constexpr std::string_view kZshScript = R"(#compdef boxlite
# zsh completion for boxlite: source <(boxlite completion zsh), or as _boxlite in your $fpath
_boxlite() {
  local line files
  local -a answer candidates
  answer=("${(@f)$("${words[1]}" __complete zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${answer[@]}"; do
    case $line in
      :*) files=$line ;;
      *$'\t'*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      ?*) candidates+=("${line//:/\\:}") ;;
    esac
  done
  (( ${#candidates} )) && _describe 'boxlite' candidates
  case $files in
    :files) _files ;;
    :directories) _files -/ ;;
  esac
}
if [[ ${funcstack[1]} == _boxlite ]]; then
  _boxlite "$@"
else
  compdef _boxlite boxlite
fi
)";

constexpr std::string_view kFishScript =
    R"(# fish completion for boxlite: boxlite completion fish | source
function __boxlite_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -q current[1]; or set current ''
    for line in ($before[1] __complete fish -- $before[2..-1] $current 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $current
            case ':directories'
                __fish_complete_directories $current
            case ':none'
            case '*'
                echo $line
        end
    end
end
complete -c boxlite -f -a '(__boxlite_complete)'
)";

struct CompletionRequest {
  Shell shell = Shell::kBash;
};

Result<CompletionRequest> ParseCompletion(const Arguments& arguments) {
  if (arguments.positionals().size() != 1) {
    return Error(ErrorCode::kInvalidArgument, "completion takes a shell: bash, zsh or fish");
  }
  BOXLITE_ASSIGN_OR_RETURN(Shell shell, ParseShell(arguments.positionals()[0]));
  return CompletionRequest{shell};
}

int ExecuteCompletion(Session& session, const CompletionRequest& request) {
  session.console().Print(CompletionScript(request.shell));
  return kExitOk;
}

struct LineRequest {
  Shell shell = Shell::kBash;
  std::vector<std::string> words;
};

// SHELL -- WORD...
Result<LineRequest> ParseLine(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (words.size() < 3 || words[1] != "--") {
    return Error(ErrorCode::kInvalidArgument, "it is called by the scripts of completion only");
  }
  BOXLITE_ASSIGN_OR_RETURN(Shell shell, ParseShell(words[0]));
  return LineRequest{shell, {words.begin() + 2, words.end()}};
}

// Whatever goes wrong, the line that is being typed is not disturbed by it.
std::vector<Candidate> NamesOfBoxes(Session& session, const std::string& home) {
  std::vector<Candidate> names;
  // Its own where the line names another home.
  Console silent(-1, -1);
  Session other(silent, home);
  Result<Runtime*> runtime = home.empty() ? session.runtime() : other.runtime();
  if (!runtime.ok()) return names;
  Result<std::vector<BoxInfo>> boxes = (*runtime)->List();
  if (!boxes.ok()) return names;
  for (const BoxInfo& box : *boxes) {
    const bool named = box.spec.ok() && !box.spec->name.empty();
    const std::string state(BoxStateName(box.derived.state));
    names.push_back({named ? box.spec->name : box.id.str(), state});
  }
  return names;
}

std::vector<Candidate> NamesOfImages(Session& session, const std::string& home) {
  std::vector<Candidate> names;
  Images images = home.empty() ? session.images() : Images(home, "");
  Result<std::vector<ImageEntry>> entries = images.List();
  if (!entries.ok()) return names;
  for (const ImageEntry& entry : *entries) {
    const std::string id = ShortDigest(entry.digest);
    if (entry.shipped && entry.image.ok()) names.push_back({entry.image->name, id});
    for (const ImageTag& tag : entry.tags) names.push_back({FamiliarName(tag.name), id});
  }
  return names;
}

int ExecuteLine(Session& session, const LineRequest& request) {
  session.console().Print(CompletionLines(
      request.shell, request.words,
      [&](const std::string& home) { return NamesOfBoxes(session, home); },
      [&](const std::string& home) { return NamesOfImages(session, home); }));
  return kExitOk;
}

}  // namespace

std::string_view CompletionScript(Shell shell) {
  switch (shell) {
    case Shell::kBash:
      return kBashScript;
    case Shell::kZsh:
      return kZshScript;
    case Shell::kFish:
      return kFishScript;
  }
  return "";
}

constinit const Subcommand kCompletion = {
    .name = "completion",
    .aliases = "",
    .purpose = "Print a script that completes commands, options and boxes in a shell",
    .usage = "bash|zsh|fish",
    .notes = "",
    .examples =
        "boxlite completion zsh > ~/.zfunc/_boxlite\n"
        "source <(boxlite completion bash)\n"
        "boxlite completion fish | source\n",
    .syntax = {},
    .prepare = Prepare<ParseCompletion, ExecuteCompletion>,
};

constinit const Subcommand kCompleteLine = {
    .name = "__complete",
    .aliases = "",
    .purpose = "Answer the scripts of completion",
    .usage = "bash|zsh|fish -- WORD...",
    .notes = "",
    .examples = "boxlite __complete bash -- lo\n",
    .syntax = {{}, {}, Positionals::kEndOptions},
    .prepare = Prepare<ParseLine, ExecuteLine>,
};

}  // namespace boxlite::cli

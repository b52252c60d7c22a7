// What may stand next on a line that is being typed, from the tables that the parser and --help
// read. Pure but for the boxes, which are asked for only where a box may stand.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite::cli {

struct Candidate {
  std::string value;
  std::string help;  // one line, may be empty
};

struct Completions {
  // What else the shell may offer by itself.
  enum class Files { kNone, kAny, kDirectories };
  std::vector<Candidate> candidates;  // those that begin with the word that is being typed
  Files files = Files::kNone;
};

// Names of boxes, and the ids of those that have none; the home is what --home on the line said.
using BoxNames = std::function<std::vector<Candidate>(const std::string& home)>;

// The same of images.
using ImageNames = std::function<std::vector<Candidate>(const std::string& home)>;

// `words`: behind the program's name, the last is the one being typed (it may be empty).
Completions CompleteLine(std::span<const std::string> words, const BoxNames& boxes,
                         const ImageNames& images = {});

enum class Shell { kBash, kZsh, kFish };
Result<Shell> ParseShell(const std::string& name);

// The answer of the hidden verb that the scripts call: a candidate a line, behind a tab its help
// (not for bash), at last :none, :files or :directories. bash breaks words at '=' and ':', which is
// undone here, and done again to the candidates.
std::string CompletionLines(Shell shell, std::span<const std::string> words, const BoxNames& boxes,
                            const ImageNames& images = {});

// What `boxlite completion SHELL` prints.
std::string_view CompletionScript(Shell shell);

}  // namespace boxlite::cli

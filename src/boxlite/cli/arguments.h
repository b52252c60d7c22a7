// The command line's syntax, as docker's users type it: `--name value`, `--name=value`, `-n value`,
// `-nvalue`, flags in clusters (`-dq`), `--` ends the options. Pure; values are bytes and are kept
// as they are.
//
// Written by hand because of one rule: behind an image or a box everything belongs to the command
// inside, verbatim, also `--help`, `-e`, and `[ -f x ]` (which a general parser takes for a list
// and splits).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite::cli {

struct Option {
  std::string_view name;   // without the dashes
  char letter = 0;         // 0: it has no short form
  std::string_view value;  // what help calls its value; empty: a flag
  std::string_view help;
};

enum class Positionals {
  kAnywhere,    // options may follow them
  kEndOptions,  // the first one ends the options
};

struct Syntax {
  std::span<const Option> options;
  // Known from docker but not built yet: named as such instead of "unknown".
  std::span<const Option> unavailable;
  Positionals positionals = Positionals::kAnywhere;
};

// --help and --home, which every command takes. An option of the command's own with the same letter
// wins.
std::span<const Option> CommonOptions();

class Arguments {
 public:
  // kInvalidArgument names the option and what is wrong with it; kUnsupported for an unavailable
  // one.
  static Result<Arguments> Parse(const Syntax& syntax, std::span<const std::string> words);

  bool Has(std::string_view flag) const;                           // the last word on a flag counts
  std::optional<std::string> Last(std::string_view option) const;  // the last of several counts
  std::string LastOr(std::string_view option, std::string_view otherwise) const;
  std::vector<std::string> All(std::string_view option) const;  // in the order given
  const std::vector<std::string>& positionals() const { return positionals_; }

 private:
  class Parser;
  std::vector<std::pair<std::string_view, std::string>> given_;
  std::vector<std::string> positionals_;
};

}  // namespace boxlite::cli

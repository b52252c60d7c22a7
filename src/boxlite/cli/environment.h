// Environment variables from -e and --env-file, in docker's syntax. Values are bytes, kept as they
// are.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite::cli {

// The caller's own environment; tests put theirs in its place.
using Lookup = std::function<std::optional<std::string>(const std::string& name)>;
std::optional<std::string> LookupInProcess(const std::string& name);

struct Environment {
  std::vector<std::string> variables;  // NAME=VALUE, in order; a later one is meant to win
  std::vector<std::string> unknown;    // names without a value that the caller's environment lacks
};

// One -e: NAME=VALUE, or NAME for the caller's value. kInvalidArgument without a name.
Status AddVariable(const std::string& text, const Lookup& lookup, Environment& environment);

// A file of them: one a line; leading white space, empty lines and lines that begin with # do not
// count; a carriage return ends a line too. Nothing is unquoted. kInvalidArgument says which line
// of `name`.
Status AddVariables(std::string_view content, const std::string& name, const Lookup& lookup,
                    Environment& environment);

// Reads the file (16 MiB at most) and adds what is in it.
Status AddFile(const std::string& path, const Lookup& lookup, Environment& environment);

}  // namespace boxlite::cli

// Answers as JSON or YAML. The keys keep the order in which they were put in.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "boxlite/cli/requests.h"

namespace boxlite::cli {

using Document = nlohmann::ordered_json;

// Two spaces a level, one newline at the end. Bytes that are not UTF-8 become U+FFFD.
std::string ToJson(const Document& document);
std::string ToCompactJson(const Document& document);

// YAML 1.2 in block style. A string that YAML could read as something else is quoted.
std::string ToYaml(const Document& document);

std::string Formatted(const Document& document, Format format);  // kJson or kYaml

// The value of --format; `allowed` names the choices in the error.
Result<Format> ParseFormat(const std::string& text, const std::string& allowed);

}  // namespace boxlite::cli

// The text of a template behind --format of ls and events. Pure.
#pragma once

#include <string>

#include "boxlite/base/result.h"

namespace boxlite::cli {

// With \t and \n made a tab and a line's end, which a shell's quotes keep apart. kInvalidArgument
// for what is no template (`others` says what else --format takes) or a malformed one.
Result<std::string> ParseTemplateText(const std::string& text, const std::string& others);

}  // namespace boxlite::cli

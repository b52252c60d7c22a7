// --detach-keys: "ctrl-p,ctrl-q" as the bytes that those keys send.
#pragma once

#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite::cli {

inline constexpr std::string_view kDefaultDetachKeys = "ctrl-p,ctrl-q";

// Keys joined by commas, each one character or ctrl- with one of a-z @ [ \ ] ^ _. Empty: no keys
// detach. kInvalidArgument names what is no key.
Result<std::string> ParseDetachKeys(std::string_view text);

}  // namespace boxlite::cli

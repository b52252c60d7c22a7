// `exec ls BOX`: the execs of a box.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "boxlite/cli/requests.h"
#include "boxlite/cli/session.h"

namespace boxlite::cli {

// The request behind the word ls; nullopt when the words are none: then they are a command for a
// box that is called ls.
std::optional<ExecListRequest> ParseExecList(std::span<const std::string> words);
int ExecuteExecList(Session& session, Runtime& runtime, const ExecListRequest& request);

}  // namespace boxlite::cli

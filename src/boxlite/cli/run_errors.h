// Exit codes of run and exec for a command that could not be started, as a shell has them.
#pragma once

#include "boxlite/base/result.h"
#include "boxlite/cli/console.h"

namespace boxlite::cli {

inline int CommandExitCode(const Error& error) {
  if (error.code() == ErrorCode::kCommandNotFound) return kExitNotFound;
  if (error.code() == ErrorCode::kCommandNotExecutable) return kExitNotExecutable;
  return kExitFailure;
}

}  // namespace boxlite::cli

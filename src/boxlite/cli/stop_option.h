// What stop and restart share.
#pragma once

#include <string>

#include "boxlite/cli/arguments.h"
#include "boxlite/cli/console.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

inline constexpr Option kStopOptions[] = {
    {"time", 't', "SECONDS",
     "Time for the main command to end before it is killed (10 unless said)"},
};
static_assert(kDefaultGrace == std::chrono::seconds(10), "the help above says so");

// A note on stderr when the end was not a graceful one.
void TellForced(Console& console, const std::string& reference, const EndReport& report);

}  // namespace boxlite::cli

// What a path of the box is, seen from the agent without a process in the box.
#pragma once

#include <sys/types.h>

#include <string>

#include "agent.capnp.h"
#include "boxlite/base/result.h"

namespace boxlite {

// Fills `info` with what `path` is in the root and the mounts that the process `main_pid` has;
// symbolic links on the way lead nowhere else. A path that is not there is an answer (absent).
// kConflict: something on the way is no directory, or links go in a circle.
Status DescribePath(pid_t main_pid, const std::string& path, bool follow_link,
                    wire::PathInfo::Builder info);

}  // namespace boxlite

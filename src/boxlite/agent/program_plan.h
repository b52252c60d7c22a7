// What to run, checked: the value behind the wire's ProcessSpec.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent.capnp.h"
#include "boxlite/agent/box_work.h"
#include "boxlite/agent/terminal.h"
#include "boxlite/base/result.h"

namespace boxlite {

struct ProgramPlan {
  bool is_main = false;
  std::string id;
  std::vector<std::string> argv;  // empty only with `work`
  std::vector<std::string> env;
  std::string working_dir;  // absolute
  std::string user;
  std::optional<WindowSize> terminal;  // absent: three pipes
  std::shared_ptr<BoxWork> work;       // instead of a command
};

// kInvalidArgument: an id that cannot name a cgroup, no command, a NUL byte, a relative working
// directory, a variable without '='.
Result<ProgramPlan> ReadPlan(wire::Agent::StartParams::Reader params);

}  // namespace boxlite

// BoxWork: work of the agent's own that must be done inside the box, where a path means what it
// means to the box's programs. It runs in a process that is cloned like an exec's and executes
// nothing.
#pragma once

#include <string>

#include "boxlite/agent/user_database.h"
#include "boxlite/base/result.h"

namespace boxlite {

class BoxWork {
 public:
  virtual ~BoxWork() = default;
  // Both run in that process: the box's namespaces, root with docker's capabilities. `user`: whom
  // the plan's user is in the box. An error is the answer to whoever started the work.
  virtual Status Prepare(const UserIdentity& user) = 0;
  // With stdin and stdout as a program has them. What it returns, at most PIPE_BUF bytes, is read
  // by the agent as the process's error output.
  virtual std::string Run() = 0;
};

}  // namespace boxlite

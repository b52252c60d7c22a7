// Starting a program of the box: the clone, its pipes or its terminal's way, its pidfd.
#pragma once

#include <sys/types.h>

#include "boxlite/agent/program_plan.h"
#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

struct SpawnedProgram {
  pid_t pid = 0;  // in the agent's namespace
  Fd pidfd;
  // Invalid for a program with a terminal.
  Fd input;   // write end, non-blocking
  Fd output;  // read ends, non-blocking
  Fd errors;
  // Valid for one: where ReceiveTerminal() takes it from, once the program has been executed.
  Fd terminal;
  Fd failure;  // read end, non-blocking: what RunProgramChild() says; its end without a byte:
               // executed
};

// Clones the process into `cgroup_fd`; `main_pidfd`: -1 for main, which gets namespaces of its own.
// The agent does not wait for the program to be executed: a stopped or slow child holds up nobody.
// kWrongState: main has ended meanwhile.
Result<SpawnedProgram> SpawnProgram(const ProgramPlan& plan, int cgroup_fd, int main_pidfd);

}  // namespace boxlite

// The process between fork and exec: everything that turns a copy of the agent into a program of
// the box.
#pragma once

#include <string>
#include <string_view>

#include "boxlite/agent/program_plan.h"
#include "boxlite/base/result.h"

namespace boxlite {

// The descriptors that the child inherits and where they go. All close-on-exec.
struct ChildFds {
  int standard[3] = {-1, -1, -1};  // all -1 for a program that gets a terminal
  int error = -1;     // a pipe: a failure is written to it, an executed program closes it
  int main = -1;      // a pidfd of main, whose namespaces an exec enters; -1 for main itself
  int terminal = -1;  // a socket that takes the terminal's master to the agent; -1: no terminal
};

// Never returns: executes the program, or writes why not into fds.error and ends. The agent has one
// thread, so the child may use all of libc.
[[noreturn]] void RunProgramChild(const ProgramPlan& plan, const ChildFds& fds);

// The two ends of what is written into the pipe: an Error as bytes.
std::string EncodeFailure(const Error& error);
Error DecodeFailure(std::string_view bytes);

}  // namespace boxlite

// What connects a caller with a program in a box while a call of the Runtime blocks on it: its
// streams, and what the caller may do to it meanwhile. Shared by exec, attach and foreground run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/runtime/box_state.h"

namespace boxlite {

// Of a terminal, in characters.
struct TerminalSize {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
  bool operator==(const TerminalSize&) const = default;
};

// What can be done to the program during the call. Only from a ControlSource's callback.
class ProgramControls {
 public:
  virtual void Signal(int number) = 0;  // main: itself; an exec: its process group
  virtual void Resize(TerminalSize size) = 0;
  virtual void Detach() = 0;  // ends the call, not the program

 protected:
  ~ProgramControls() = default;
};

// A descriptor that the call watches. `on_readable` must take what is there without blocking; it
// runs on the thread of the call. The descriptor is borrowed.
struct ControlSource {
  int fd = -1;
  std::function<void(ProgramControls&)> on_readable;
};

// Where a stream of the program's output goes: to `write` if it is set, else to `fd` with blocking
// writes, else (-1) nowhere. An error from `write` means that nobody reads any more.
struct OutputTarget {
  int fd = -1;
  std::function<Status(std::string_view)> write;
};

struct ProgramStreams {
  int stdin_fd = -1;  // -1: end-of-file at once. Borrowed; its flags stay as they are
  OutputTarget out;
  OutputTarget err;
  // Typed into stdin, these bytes detach; empty: nothing does.
  std::string detach_keys;
  std::vector<ControlSource> controls;
};

// How a call on a program ended. `exit` is of the program, unless `detached`.
struct ProgramEnd {
  ProcessExit exit;
  bool timed_out = false;  // its timeout ended it
  bool detached = false;   // the caller left; the program lives on
  std::string exec_id;     // empty for main
  // Whole lengths of the streams so far, of which a later call may ask from any offset still kept.
  std::uint64_t stdout_end = 0;
  std::uint64_t stderr_end = 0;
};

}  // namespace boxlite

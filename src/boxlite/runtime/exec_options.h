// What a caller says of an exec, and what it learns of one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/runtime/program_io.h"

namespace boxlite {

struct ExecOptions {
  std::vector<std::string> argv;
  std::vector<std::string> env;  // KEY=VALUE, over the box's
  std::string working_dir;       // empty: the box's
  std::string user;              // empty: the box's
  // The program gets a terminal of this size; all its output then comes as stdout.
  std::optional<TerminalSize> terminal;
  // After it the exec's process group gets SIGTERM, and two seconds later all that the exec has
  // started SIGKILL. 0: none. At most 49 days: what is longer is cut to it.
  std::chrono::milliseconds timeout{0};
  // Of a detached exec only stdin_fd counts: 0 or more keeps its input open for AttachExec().
  ProgramStreams streams;
  // Called once the program was executed, before its first byte of output: another process can
  // attach to this id when this one is cut off.
  std::function<void(const std::string& exec_id)> on_started;
};

struct AttachExecOptions {
  // Each stream goes on at this byte of it, or at the oldest one kept when that is later.
  std::uint64_t stdout_from = 0;
  std::uint64_t stderr_from = 0;
  // stdin_fd of 0 or more feeds its input; without it the input is nobody's or another client's.
  ProgramStreams streams;
  // Called before the first byte with the offsets at which the streams really begin: what lies
  // between them and those asked for is gone.
  std::function<void(std::uint64_t stdout_begin, std::uint64_t stderr_begin)> on_begin;
};

// A stream's offset that stands for its end as it is now.
inline constexpr std::uint64_t kStreamEnd = ~std::uint64_t{0};

// One exec of a life, running or kept after its end.
struct ExecInfo {
  std::string id;
  std::vector<std::string> argv;
  bool running = false;
  std::optional<ProcessExit> exit;  // when it has ended
  bool timed_out = false;           // its timeout ended it
  bool terminal = false;
  bool attached = false;        // a client reads its output now
  std::int64_t started_ns = 0;  // since 1970, host's time
  std::int64_t ended_ns = 0;    // 0: not yet
  // Bytes `begin` to `end` of each stream are kept; there were `end` so far.
  std::uint64_t stdout_begin = 0;
  std::uint64_t stdout_end = 0;
  std::uint64_t stderr_begin = 0;
  std::uint64_t stderr_end = 0;
};

}  // namespace boxlite

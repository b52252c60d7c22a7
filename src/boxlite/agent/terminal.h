// A pseudo-terminal of the box: opened inside the box by the process that becomes the program,
// handed to the agent through a socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

// In characters. 0: not known, which a program sees as 24 rows, 80 columns.
struct WindowSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool operator==(const WindowSize&) const = default;
};

struct Terminal {
  Fd master;
  Fd slave;  // /dev/pts/N of the instance that the master was opened in
};

// The multiplexer of the box's own devpts. Not /dev/ptmx: that is a link which the box may change.
inline constexpr char kBoxPtmx[] = "/dev/pts/ptmx";

// A new terminal of this size, nobody's controlling one. kResourceExhausted: the box has as many as
// its kernel gives. kCorrupt: `ptmx` is no such device.
Result<Terminal> OpenTerminal(const char* ptmx, WindowSize size);

// As login does: the user's own, writable by group tty.
Status GiveTerminalTo(const Terminal& terminal, uid_t uid);

// Main's terminal is the box's console too: lays it over /dev/console, made when it is missing. A
// box in which that cannot be done does without.
void BindConsole(const Terminal& terminal);

// The way from the program's process to the agent. Neither blocks: the message is small, and it is
// received only after it was sent. kInternal: none came.
Status SendTerminal(int socket_fd, const Terminal& terminal);
Result<Terminal> ReceiveTerminal(int socket_fd);

// The kernel tells the program's foreground group by SIGWINCH.
Status SetWindowSize(int terminal_fd, WindowSize size);

// The bytes that a person would type to end the program's input: ^D as the terminal is set, twice
// when the line that it reads has begun (the first only ends the line). Of a terminal without
// lines: once, what it means is the program's.
std::string EndOfInput(int terminal_fd, bool line_has_begun);

}  // namespace boxlite

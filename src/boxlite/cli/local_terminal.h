// LocalTerminal: the caller's terminal in raw mode while a program in a box has it, and back as it
// was after any end of this process, SIGKILL too.
#pragma once

#include <termios.h>

#include <initializer_list>
#include <memory>
#include <optional>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/program_io.h"

namespace boxlite::cli {

// Of the first of the descriptors that is a terminal and knows its size.
std::optional<TerminalSize> SizeOfTerminal(std::initializer_list<int> fds);

class LocalTerminal {
 public:
  // Raw from now on: every key is a byte for the program, nothing is echoed here. `fd` is borrowed.
  //
  // A second process, the guardian, waits for this one's end and then sets the terminal back, if it
  // is still raw: what a shell has set since is left alone. It is in a session of its own, so no
  // key and no signal to this process's group reaches it, and it holds nothing but the terminal and
  // a socket. To be called while this process has one thread.
  static Result<std::unique_ptr<LocalTerminal>> MakeRaw(int fd);

  ~LocalTerminal() { Restore(); }
  LocalTerminal(const LocalTerminal&) = delete;

  // As it was before MakeRaw(), while this process is not to be seen: before it stops.
  void Pause();
  // Raw again. Stops this process, as the kernel does, while it is in the background.
  void Resume();
  // As it was, for good.
  void Restore();

 private:
  LocalTerminal(int fd, const termios& before, const termios& raw)
      : fd_(fd), before_(before), raw_(raw) {}
  Status StartGuardian();

  int fd_;
  termios before_;
  termios raw_;
  pid_t guardian_ = 0;
  Fd life_;  // the guardian sees its end; a byte before it: all is well
};

}  // namespace boxlite::cli

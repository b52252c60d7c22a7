// ProgramClient: this process between its terminal or pipes and a program in a box. What run,
// start -a, attach and exec share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/cli/console.h"
#include "boxlite/cli/local_terminal.h"
#include "boxlite/runtime/program_io.h"

namespace boxlite::cli {

class ProgramClient {
 public:
  struct Wish {
    bool input = false;     // stdin is the program's
    bool terminal = false;  // the program has one
    // Signals to this process go on to the program; without, and always with a terminal (whose keys
    // are bytes), those that end a process end this one.
    bool proxies_signals = true;
    std::string detach_keys;  // bytes; they count with a terminal only: in a pipe they are data
    // What to do where stdin is no terminal and the program has one, for the error.
    std::string_view without_terminal = "leave out -t, or leave out -i to only watch";
  };

  // Blocks signals in this thread, before any other exists; whatever comes is seen later.
  // kInvalidArgument: the program's terminal wants the input of ours, and stdin is none.
  static Result<std::unique_ptr<ProgramClient>> Open(const Console& console, Wish wish);

  const ProgramStreams& streams() const { return streams_; }
  // Of our terminal, for one of the program's; 0 x 0: unknown.
  TerminalSize size() const;
  // Readable when a signal came that ends a start (RunForeground's interrupt_fd).
  int interrupt_fd() const { return signals_.get(); }

  // The program runs: from here on keys are its bytes and window changes its concern. Until then
  // the terminal is as it was, so that ^C ends a boot.
  void Begin();
  // The terminal is as it was. To be called before anything is said.
  void End();

  // The signal that interrupted a start; 0: none.
  int TakeInterruption() const;

 private:
  explicit ProgramClient(Wish wish) : wish_(std::move(wish)) {}
  void OnSignal(ProgramControls& program);
  void OnTerminal(ProgramControls& program);
  void TellSize(ProgramControls& program) const;
  // By the signal, as if it had not been caught.
  [[noreturn]] void Die(int number);
  void Stop();

  Wish wish_;
  int out_fd_ = 1;
  ProgramStreams streams_;
  Fd signals_;          // those that end or are passed on
  Fd terminal_events_;  // window changes, stop and continue
  std::unique_ptr<LocalTerminal> raw_;
};

}  // namespace boxlite::cli

// TerminalSession: a real terminal with a program in its foreground, as a shell would have it.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <string>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/runtime/program_io.h"

namespace boxlite::testing {

class TerminalSession {
 public:
  // Starts the program in a session and a foreground group of its own. argv[0] is a path.
  TerminalSession(std::vector<std::string> argv, TerminalSize size);
  ~TerminalSession();  // kills what is left of it
  TerminalSession(const TerminalSession&) = delete;

  pid_t job() const { return job_; }
  void Type(const std::string& keys) const;
  void Resize(TerminalSize size) const;
  // Reads the terminal's output until `text` has come, and returns all that has come since the last
  // call. Fails the test after three minutes.
  std::string ReadUntil(const std::string& text);

  // Of the program: a shell's exit code when it has ended, 256 + the signal's number when it has
  // stopped. The terminal's output is read meanwhile.
  int AwaitChange();

  bool IsRaw() const;
  // Until the modes are as they were before the program; false after ten seconds.
  bool AwaitModesAsBefore() const;
  bool AwaitRaw() const;
  std::string rest() const { return text_; }

 private:
  [[noreturn]] void Lead(const std::vector<std::string>& argv, int slave, int report,
                         int leash) const;
  bool ReadMore(int patience_ms);
  termios Modes() const;

  Fd master_;
  Fd slave_;  // kept open: the modes are asked of it
  Fd report_;
  Fd leash_;
  pid_t leader_ = 0;
  pid_t job_ = 0;
  termios before_ = {};
  std::string text_;
};

}  // namespace boxlite::testing

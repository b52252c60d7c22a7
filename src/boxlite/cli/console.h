// What the program says: its answers on one descriptor, errors and notes on another.
#pragma once

#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite::cli {

// What the process exits with. Foreground run and exec pass the command's own code on (128 + N for
// a signal).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitTimedOut = 124;  // as timeout(1)
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNotFound = 127;
inline constexpr int kExitReaderLeft =
    141;  // 128 + SIGPIPE, as a shell shows a program in `| head -1`

class Console {
 public:
  explicit Console(int out_fd = 1, int err_fd = 2) : out_fd_(out_fd), err_fd_(err_fd) {}

  int out_fd() const { return out_fd_; }
  int err_fd() const { return err_fd_; }

  // Written at once. A failure is remembered for Finish(); after it nothing more is written.
  void Print(std::string_view text);

  // "boxlite: error: <message> (<code's name>)", control characters made harmless.
  void Report(const Error& error);
  void Note(const std::string& text);

  // The exit code: `code`, unless an answer could not be written. Nothing is said of a reader that
  // left.
  int Finish(int code);

 private:
  int out_fd_;
  int err_fd_;
  Status written_;
  bool reader_left_ = false;
};

// Whether whoever read this pipe or socket has left.
bool ReaderLeft(int fd);

// Whether that is what `error` comes from: then there is nobody to tell, and nothing is wrong.
bool IsOfReaderThatLeft(const Error& error, int fd);

// Opens /dev/null for those of 0, 1 and 2 that are closed, before any file of ours could get the
// number.
void EnsureStandardDescriptors();

}  // namespace boxlite::cli

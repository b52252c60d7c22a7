// The line that shows how far a copy has come, on a terminal only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace boxlite::cli {

// "[=====>    ]  52%  12.0 MiB of 23.1 MiB, 4.1 MiB/s", within `columns`. `total` 0: not known,
// then without the bar. Pure.
std::string DescribeProgress(std::uint64_t bytes, std::uint64_t total,
                             std::chrono::milliseconds elapsed, unsigned columns);

// Written anew in place, some ten times a second; erased at its end.
class ProgressLine {
 public:
  // `fd`: where to; nothing is ever written when it is no terminal.
  explicit ProgressLine(int fd);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { Erase(); }

  bool shown() const { return is_terminal_; }
  void Update(std::uint64_t bytes, std::uint64_t total);
  void Erase();

 private:
  int fd_;
  bool is_terminal_;
  bool written_ = false;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace boxlite::cli

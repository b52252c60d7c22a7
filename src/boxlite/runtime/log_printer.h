// LogPrinter: which of main's bytes `logs` shows, and how: the last lines only, those of a time,
// with the time in front. Fed with the records of main.log in order; no waiting, no reading.
//
// A line's time is that of its first byte, however many records it came in. With times in front a
// line is written when it is whole, so that lines of the two streams do not mix within one; without
// them its bytes are written as they come.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/runtime/main_log.h"

namespace boxlite {

struct LogView {
  std::optional<std::uint64_t> tail_lines;  // of those that the times below leave
  std::optional<std::int64_t> since_ns;     // lines that began then or later
  std::optional<std::int64_t> until_ns;     // lines that began then or earlier
  bool timestamps = false;
};

// With a time in front, a line longer than this is written in parts: it must not fill our memory.
inline constexpr std::size_t kMostHeldOfALine = 64 * 1024;

class LogPrinter {
 public:
  // With blocking writes. -1: that stream is discarded.
  LogPrinter(const LogView& view, int stdout_fd, int stderr_fd)
      : view_(view), stdout_fd_(stdout_fd), stderr_fd_(stderr_fd), collects_(view.tail_lines) {}

  // An error is one of writing.
  Status Take(const LogRecord& record);

  // What was taken so far is the past: its last lines are written, and from here on every line is.
  // Without tail_lines it does nothing.
  Status EndTail();

  // Writes what is held of lines that never ended.
  Status Finish();

 private:
  // A line that has begun and not ended, of one stream.
  struct OpenLine {
    bool begun = false;
    bool wanted = false;
    bool time_written = false;
    std::int64_t time_ns = 0;
    std::string held;
  };
  struct Line {
    LogStream stream;
    std::string text;
  };

  bool CopiesAll() const {
    return !collects_ && !view_.timestamps && !view_.since_ns && !view_.until_ns;
  }
  bool Wants(std::int64_t time_ns) const;
  void TakePart(LogStream stream, OpenLine& line, std::string_view part, bool whole,
                std::string& out);
  std::string TakeHeld(OpenLine& line) const;
  Status Write(LogStream stream, std::string_view text) const;

  LogView view_;
  int stdout_fd_;
  int stderr_fd_;
  bool collects_;  // the last lines, until EndTail()
  std::deque<Line> last_;
  OpenLine open_[2];
};

}  // namespace boxlite

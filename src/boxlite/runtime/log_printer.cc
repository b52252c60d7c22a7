#include "boxlite/runtime/log_printer.h"

#include "boxlite/base/files.h"
#include "boxlite/base/wall_clock.h"

namespace boxlite {

bool LogPrinter::Wants(std::int64_t time_ns) const {
  return (!view_.since_ns || time_ns >= *view_.since_ns) &&
         (!view_.until_ns || time_ns <= *view_.until_ns);
}

Status LogPrinter::Write(LogStream stream, std::string_view text) const {
  const int fd = stream == LogStream::kStdout ? stdout_fd_ : stderr_fd_;
  if (fd < 0 || text.empty()) return {};
  return WriteAll(fd, text);
}

// What is held of a line, with its time in front of its begin.
std::string LogPrinter::TakeHeld(OpenLine& line) const {
  std::string text;
  if (view_.timestamps && !line.time_written) text = FormatUtcTime(line.time_ns) + " ";
  line.time_written = true;
  text += line.held;
  line.held.clear();
  return text;
}

void LogPrinter::TakePart(LogStream stream, OpenLine& line, std::string_view part, bool whole,
                          std::string& out) {
  if (!line.wanted) return;
  line.held.append(part);
  if (collects_) {
    if (!whole) return;
    last_.push_back({stream, TakeHeld(line)});
    if (last_.size() > *view_.tail_lines) last_.pop_front();
  } else if (whole || !view_.timestamps || line.held.size() >= kMostHeldOfALine) {
    out += TakeHeld(line);
  }
}

Status LogPrinter::Take(const LogRecord& record) {
  if (CopiesAll()) return Write(record.stream, record.bytes);
  OpenLine& line = open_[record.stream == LogStream::kStderr];
  std::string out;
  std::string_view rest = record.bytes;
  while (!rest.empty()) {
    if (!line.begun) {
      line = {.begun = true, .wanted = Wants(record.time_ns), .time_ns = record.time_ns};
    }
    const std::size_t end = rest.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view part = rest.substr(0, whole ? end + 1 : end);
    TakePart(record.stream, line, part, whole, out);
    if (whole) line.begun = false;
    rest.remove_prefix(part.size());
  }
  return Write(record.stream, out);
}

Status LogPrinter::EndTail() {
  if (!collects_) return {};
  // Lines that have begun are the last of all.
  std::uint64_t room = *view_.tail_lines;
  for (OpenLine& line : open_) {
    if (!line.begun || !line.wanted) continue;
    // No room: what it has so far is the past, how it goes on is not.
    if (room == 0) line.held.clear();
    if (room > 0) --room;
  }
  while (last_.size() > room) last_.pop_front();
  for (const Line& line : last_) BOXLITE_RETURN_IF_ERROR(Write(line.stream, line.text));
  last_.clear();
  collects_ = false;
  if (view_.timestamps) return {};
  return Finish();
}

Status LogPrinter::Finish() {
  for (const LogStream stream : {LogStream::kStdout, LogStream::kStderr}) {
    OpenLine& line = open_[stream == LogStream::kStderr];
    if (!line.held.empty()) BOXLITE_RETURN_IF_ERROR(Write(stream, TakeHeld(line)));
  }
  return {};
}

}  // namespace boxlite

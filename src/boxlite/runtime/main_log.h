// main.log: everything that main wrote, in order, with logical offsets, over all lives of a box.
// Written by the shim, read by anybody at any time, also while the box is stopped.
//
// A record: "<time, ns since 1970> <o|e> <logical offset> <length>\n", then the bytes, then "\n".
// The logical offset counts main's bytes of both streams and goes on over rotations and lives. At
// kLogRotateBytes the file becomes main.log.1, replacing the one before.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

inline constexpr std::uint64_t kLogRotateBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMaxLogRecord = 256 * 1024;

enum class LogStream { kStdout, kStderr };

struct LogRecord {
  std::int64_t time_ns = 0;
  LogStream stream = LogStream::kStdout;
  std::uint64_t offset = 0;
  std::string_view bytes;
};

// One at a time: under the shim lock.
class LogWriter {
 public:
  // Goes on behind the last whole record; a torn one (its writer was killed) is cut off.
  static Result<LogWriter> Open(int box_fd, std::uint64_t rotate_bytes = kLogRotateBytes);

  Status Append(LogStream stream, std::string_view bytes, std::int64_t time_ns);
  std::uint64_t end() const { return end_; }  // logical offset behind the last byte
  // What this writer has put into the files, records' heads included: what rotation counts.
  std::uint64_t written() const { return written_; }

 private:
  LogWriter(int box_fd, Fd file, std::uint64_t size, std::uint64_t end, std::uint64_t rotate_bytes)
      : box_fd_(box_fd), file_(std::move(file)), size_(size), end_(end), rotate_(rotate_bytes) {}
  Status Rotate();

  int box_fd_;
  Fd file_;
  std::uint64_t size_;
  std::uint64_t end_;
  std::uint64_t rotate_;
  std::uint64_t written_ = 0;
};

class LogReader {
 public:
  // Begins at the logical offset `from`, or at the oldest byte kept when that is later. A box
  // without a log reads as empty.
  LogReader(int box_fd, std::uint64_t from) : box_fd_(box_fd), position_(from) {}

  // Calls `take` for each record that is whole now. kCorrupt for a damaged file. Never blocks.
  // `dropped` of Progress counts bytes that rotation took before they were read.
  // After `most` bytes it stops (a record is not cut), and says that there may be more.
  struct Progress {
    bool any = false;
    bool more = false;
    std::uint64_t dropped = 0;
  };
  Result<Progress> ReadAvailable(const std::function<Status(const LogRecord&)>& take,
                                 std::uint64_t most = ~std::uint64_t{0});

  std::uint64_t position() const { return position_; }

 private:
  Status OpenFor(std::uint64_t position);
  Result<bool> MoveToNextFile();

  int box_fd_;
  std::uint64_t position_;
  Fd file_;
  std::uint64_t file_offset_ = 0;
  std::string buffer_;
};

// Parses one record at the start of `bytes`. `size` is its length in the file; 0: more bytes are
// needed.
struct ParsedLogRecord {
  LogRecord record;
  std::size_t size = 0;
};
Result<ParsedLogRecord> ParseLogRecord(std::string_view bytes);

// The logical offset behind the last whole record; 0 for no log.
Result<std::uint64_t> LogEnd(int box_fd);

}  // namespace boxlite

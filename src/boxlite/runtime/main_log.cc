#include "boxlite/runtime/main_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "boxlite/base/files.h"
#include "boxlite/runtime/home.h"

namespace boxlite {
namespace {

constexpr char kRotatedLog[] = "main.log.1";
constexpr std::size_t kMaxHeader = 80;
constexpr std::size_t kReadChunk = 64 * 1024;
// No box writes that much: a larger offset is damage, and sums with it would wrap around.
constexpr std::uint64_t kMaxOffset = 1ULL << 62;

Error Damaged() { return Error(ErrorCode::kCorrupt, "main.log is damaged"); }

template <typename T>
bool TakeNumber(std::string_view& text, char terminator, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end == text.data() + text.size() || *end != terminator) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

struct Scan {
  std::uint64_t whole_bytes = 0;  // of the file
  std::uint64_t end = 0;          // logical
};

// Walks a log file's records. A torn or damaged tail ends the walk.
Result<Scan> ScanFile(int fd) {
  Scan scan;
  std::string buffer;
  std::uint64_t read_offset = 0;
  for (;;) {
    const std::size_t had = buffer.size();
    buffer.resize(had + kReadChunk);
    const ssize_t count =
        ::pread(fd, buffer.data() + had, kReadChunk, static_cast<off_t>(read_offset));
    if (count < 0) return ErrnoError("read main.log");
    buffer.resize(had + static_cast<std::size_t>(count));
    read_offset += static_cast<std::uint64_t>(count);
    std::size_t used = 0;
    for (;;) {
      Result<ParsedLogRecord> parsed = ParseLogRecord(std::string_view(buffer).substr(used));
      if (!parsed.ok()) return scan;
      if (parsed->size == 0) break;
      if (parsed->record.offset < scan.end) return scan;
      used += parsed->size;
      scan.whole_bytes += parsed->size;
      scan.end = parsed->record.offset + parsed->record.bytes.size();
    }
    buffer.erase(0, used);
    if (count == 0) return scan;
  }
}

Fd OpenLog(int box_fd, const char* name, int flags) {
  return Fd(::openat(box_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600));
}

}  // namespace

Result<ParsedLogRecord> ParseLogRecord(std::string_view bytes) {
  const std::size_t line_end = bytes.substr(0, kMaxHeader).find('\n');
  if (line_end == std::string_view::npos) {
    if (bytes.size() >= kMaxHeader) return Damaged();
    return ParsedLogRecord{};
  }
  std::string_view header = bytes.substr(0, line_end + 1);
  ParsedLogRecord parsed;
  std::uint64_t length = 0;
  if (!TakeNumber(header, ' ', parsed.record.time_ns) || header.size() < 2 || header[1] != ' ' ||
      (header[0] != 'o' && header[0] != 'e')) {
    return Damaged();
  }
  parsed.record.stream = header[0] == 'o' ? LogStream::kStdout : LogStream::kStderr;
  header.remove_prefix(2);
  if (!TakeNumber(header, ' ', parsed.record.offset) || !TakeNumber(header, '\n', length) ||
      !header.empty() || length > kMaxLogRecord || parsed.record.offset > kMaxOffset) {
    return Damaged();
  }
  const std::size_t body = line_end + 1;
  if (bytes.size() < body + length + 1) return ParsedLogRecord{};
  if (bytes[body + length] != '\n') return Damaged();
  parsed.record.bytes = bytes.substr(body, length);
  parsed.size = body + length + 1;
  return parsed;
}

Result<std::uint64_t> LogEnd(int box_fd) {
  for (const char* name : {kLogFile, kRotatedLog}) {
    Fd file = OpenLog(box_fd, name, O_RDONLY);
    if (!file.valid()) continue;
    BOXLITE_ASSIGN_OR_RETURN(Scan scan, ScanFile(file.get()));
    // A fresh file right after a rotation: the older one knows the offset.
    if (scan.end > 0) return scan.end;
  }
  return std::uint64_t{0};
}

Result<LogWriter> LogWriter::Open(int box_fd, std::uint64_t rotate_bytes) {
  Fd file = OpenLog(box_fd, kLogFile, O_RDWR | O_CREAT | O_APPEND);
  if (!file.valid()) return ErrnoError("open main.log");
  BOXLITE_ASSIGN_OR_RETURN(Scan scan, ScanFile(file.get()));
  if (::ftruncate(file.get(), static_cast<off_t>(scan.whole_bytes)) != 0) {
    return ErrnoError("mend main.log");
  }
  BOXLITE_ASSIGN_OR_RETURN(std::uint64_t end, LogEnd(box_fd));
  return LogWriter(box_fd, std::move(file), scan.whole_bytes, end, rotate_bytes);
}

Status LogWriter::Rotate() {
  // Not there: the rotation before this one got no further, on a full disk.
  if (::renameat(box_fd_, kLogFile, box_fd_, kRotatedLog) != 0 && errno != ENOENT) {
    return ErrnoError("rotate main.log");
  }
  Fd file = OpenLog(box_fd_, kLogFile, O_RDWR | O_CREAT | O_APPEND);
  if (!file.valid()) return ErrnoError("open main.log");
  file_ = std::move(file);
  size_ = 0;
  return {};
}

Status LogWriter::Append(LogStream stream, std::string_view bytes, std::int64_t time_ns) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kMaxLogRecord);
    bytes.remove_prefix(part.size());
    if (size_ >= rotate_) BOXLITE_RETURN_IF_ERROR(Rotate());
    std::string record = std::to_string(time_ns) + (stream == LogStream::kStdout ? " o " : " e ") +
                         std::to_string(end_) + " " + std::to_string(part.size()) + "\n";
    record.append(part);
    record.push_back('\n');
    if (Status written = WriteAll(file_.get(), record); !written.ok()) {
      // Half a record (a full disk) would hide all that follows.
      static_cast<void>(!::ftruncate(file_.get(), static_cast<off_t>(size_)));
      return std::move(written).error().While("write main.log");
    }
    size_ += record.size();
    written_ += record.size();
    end_ += part.size();
  }
  return {};
}

Status LogReader::OpenFor(std::uint64_t position) {
  buffer_.clear();
  file_offset_ = 0;
  // The rotated file first when it still holds the position.
  Fd rotated = OpenLog(box_fd_, kRotatedLog, O_RDONLY);
  if (rotated.valid()) {
    BOXLITE_ASSIGN_OR_RETURN(Scan scan, ScanFile(rotated.get()));
    if (position < scan.end) {
      file_ = std::move(rotated);
      return {};
    }
  }
  file_ = OpenLog(box_fd_, kLogFile, O_RDONLY);
  if (!file_.valid() && errno != ENOENT) return ErrnoError("open main.log");
  return {};
}

Result<bool> LogReader::MoveToNextFile() {
  struct stat mine = {};
  struct stat current = {};
  if (::fstat(file_.get(), &mine) != 0) return ErrnoError("look at main.log");
  if (::fstatat(box_fd_, kLogFile, &current, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (mine.st_ino == current.st_ino) return false;
  // Rotated: its last bytes were written before the new file appeared, so look once more first.
  if (static_cast<std::uint64_t>(mine.st_size) > file_offset_) return true;
  BOXLITE_RETURN_IF_ERROR(OpenFor(position_));
  return file_.valid();
}

Result<LogReader::Progress> LogReader::ReadAvailable(
    const std::function<Status(const LogRecord&)>& take, std::uint64_t most) {
  Progress progress;
  const std::uint64_t begin = position_;
  if (!file_.valid()) BOXLITE_RETURN_IF_ERROR(OpenFor(position_));
  if (!file_.valid()) return progress;
  bool looked_again = false;
  for (;;) {
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kReadChunk);
    const ssize_t count =
        ::pread(file_.get(), buffer_.data() + had, kReadChunk, static_cast<off_t>(file_offset_));
    if (count < 0) return ErrnoError("read main.log");
    buffer_.resize(had + static_cast<std::size_t>(count));
    file_offset_ += static_cast<std::uint64_t>(count);
    std::size_t used = 0;
    for (;;) {
      Result<ParsedLogRecord> parsed = ParseLogRecord(std::string_view(buffer_).substr(used));
      if (!parsed.ok()) {
        // A writer on a full disk takes half a record back and writes another in its place.
        if (looked_again) return std::move(parsed).error();
        looked_again = true;
        file_offset_ -= buffer_.size() - used;
        buffer_.resize(used);
        break;
      }
      if (parsed->size == 0) break;
      progress.more = position_ - begin >= most;
      if (progress.more) break;
      used += parsed->size;
      LogRecord record = parsed->record;
      const std::uint64_t record_end = record.offset + record.bytes.size();
      if (record_end <= position_) continue;
      if (record.offset < position_) {
        record.bytes.remove_prefix(position_ - record.offset);
        record.offset = position_;
      }
      progress.dropped += record.offset - position_;
      progress.any = true;
      BOXLITE_RETURN_IF_ERROR(take(record));
      position_ = record_end;
    }
    buffer_.erase(0, used);
    if (!progress.more) {
      if (count > 0) continue;
      BOXLITE_ASSIGN_OR_RETURN(bool moved, MoveToNextFile());
      if (moved) continue;
    }
    // Half a record is read again next time, for the same reason.
    file_offset_ -= buffer_.size();
    buffer_.clear();
    return progress;
  }
}

}  // namespace boxlite

#include "boxlite/cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "boxlite/base/files.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

// A copy that is over sooner shows nothing; then as often as eyes follow.
constexpr std::chrono::milliseconds kFirst{300};
constexpr std::chrono::milliseconds kStep{100};
constexpr unsigned kBarColumns = 24;
constexpr unsigned kUsualColumns = 80;
constexpr char kEraseLine[] = "\r\x1b[K";

unsigned ColumnsOf(int fd) {
  winsize size = {};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

}  // namespace

std::string DescribeProgress(std::uint64_t bytes, std::uint64_t total,
                             std::chrono::milliseconds elapsed, unsigned columns) {
  std::string text = BinarySize(bytes);
  if (total > 0) text += " of " + BinarySize(total);
  if (elapsed.count() > 0) {
    const double rate = static_cast<double>(bytes) * 1000 / static_cast<double>(elapsed.count());
    text += ", " + BinarySize(static_cast<std::uint64_t>(rate)) + "/s";
  }
  if (total > 0) {
    // A file that grows meanwhile is copied as far as it was when it was opened.
    const double part = std::min(1.0, static_cast<double>(bytes) / static_cast<double>(total));
    const std::string percent = std::to_string(static_cast<unsigned>(part * 100)) + "%";
    const auto full = static_cast<std::size_t>(part * kBarColumns);
    std::string bar = std::string(full, '=') + (full < kBarColumns ? ">" : "");
    bar.resize(kBarColumns, ' ');
    const std::string line = "[" + bar + "] " +
                             std::string(4 - std::min<std::size_t>(4, percent.size()), ' ') +
                             percent + "  " + text;
    if (line.size() < columns) return line;
    text = percent + "  " + text;
  }
  return text.substr(0, columns > 0 ? columns - 1 : 0);
}

ProgressLine::ProgressLine(int fd)
    : fd_(fd),
      is_terminal_(::isatty(fd) == 1),
      begin_(std::chrono::steady_clock::now()),
      last_(begin_ + kFirst - kStep) {}

void ProgressLine::Update(std::uint64_t bytes, std::uint64_t total) {
  if (!is_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kStep) return;
  last_ = now;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin_);
  const std::string line = kEraseLine + DescribeProgress(bytes, total, elapsed, ColumnsOf(fd_));
  written_ = WriteAll(fd_, line).ok();
  if (!written_) is_terminal_ = false;
}

void ProgressLine::Erase() {
  if (written_) static_cast<void>(WriteAll(fd_, kEraseLine).ok());
  written_ = false;
}

}  // namespace boxlite::cli

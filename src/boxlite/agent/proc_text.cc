#include "boxlite/agent/proc_text.h"

#include <charconv>
#include <vector>

namespace boxlite {
namespace {

constexpr std::uint64_t kSectorBytes = 512;  // of diskstats, whatever the disk's own is

std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    words.push_back(line.substr(0, line.find_first_of(" \t")));
    line.remove_prefix(words.back().size());
  }
}

template <typename T>
std::optional<T> Number(std::string_view word) {
  T number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<StatusFacts> ParseProcessStatus(std::string_view text) {
  StatusFacts facts;
  bool has_user = false;
  bool has_pids = false;
  // The name, the one line of the process's own, comes first, and the kernel escapes its newlines.
  while (!text.empty()) {
    const std::vector<std::string_view> words = Words(TakeLine(text));
    if (words.size() > 2 && words[0] == "Uid:" && !has_user) {
      const std::optional<uid_t> uid = Number<uid_t>(words[2]);
      if (!uid) break;
      facts.effective_uid = *uid;
      has_user = true;
    } else if (words.size() > 1 && words[0] == "NSpid:" && !has_pids) {
      const std::optional<pid_t> pid = Number<pid_t>(words.size() > 2 ? words[2] : "0");
      if (!pid || *pid < 0) break;
      facts.box_pid = *pid;
      has_pids = true;
    }
  }
  if (has_user && has_pids) return facts;
  return Error(ErrorCode::kCorrupt, "not a /proc/<pid>/status file");
}

std::string CommandOf(std::string_view cmdline) {
  while (!cmdline.empty() && cmdline.back() == '\0') cmdline.remove_suffix(1);
  std::string command(cmdline);
  for (char& c : command) {
    if (c == '\0') c = ' ';
  }
  return command;
}

std::optional<DiskTraffic> TrafficOf(std::string_view diskstats, std::string_view disk) {
  while (!diskstats.empty()) {
    // major minor name reads merged sectors ms writes merged sectors ...
    const std::vector<std::string_view> words = Words(TakeLine(diskstats));
    if (words.size() < 10 || words[2] != disk) continue;
    const auto read = Number<std::uint64_t>(words[5]);
    const auto written = Number<std::uint64_t>(words[9]);
    if (!read || !written) return std::nullopt;
    return DiskTraffic{*read * kSectorBytes, *written * kSectorBytes};
  }
  return std::nullopt;
}

}  // namespace boxlite

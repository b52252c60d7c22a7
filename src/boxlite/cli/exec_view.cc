#include "boxlite/cli/exec_view.h"

#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/table.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr std::size_t kCommandWidth = 40;

std::string Ago(std::int64_t at_ns, std::int64_t now_ns) {
  return DescribeDuration(std::chrono::nanoseconds(now_ns - at_ns)) + " ago";
}

std::string CommandText(const ExecInfo& exec) {
  std::string text;
  for (const std::string& word : exec.argv) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string StatusText(const ExecInfo& exec, std::int64_t now_ns) {
  if (exec.running) return exec.attached ? "running (attached)" : "running";
  if (exec.timed_out) return "timed out " + Ago(exec.ended_ns, now_ns);
  const int code = exec.exit ? exec.exit->ShellCode() : 0;
  return "exited (" + std::to_string(code) + ") " + Ago(exec.ended_ns, now_ns);
}

Document Stream(std::uint64_t begin, std::uint64_t end) {
  Document stream;
  stream["begin"] = begin;
  stream["end"] = end;
  return stream;
}

}  // namespace

std::string ExecTable(const std::vector<ExecInfo>& execs, std::int64_t now_ns, bool whole) {
  std::vector<std::vector<std::string>> rows = {{"EXEC ID", "COMMAND", "STATUS", "STARTED"}};
  for (const ExecInfo& exec : execs) {
    const std::string command = CommandText(exec);
    rows.push_back({exec.id, whole ? command : Shortened(command, kCommandWidth),
                    StatusText(exec, now_ns), Ago(exec.started_ns, now_ns)});
  }
  return FormatTable(rows);
}

Document ExecEntry(const ExecInfo& exec, std::int64_t now_ns) {
  Document entry;
  entry["id"] = exec.id;
  entry["command"] = exec.argv;
  entry["status"] = StatusText(exec, now_ns);
  entry["running"] = exec.running;
  entry["exit_code"] = exec.exit ? Document(exec.exit->ShellCode()) : Document(nullptr);
  entry["timed_out"] = exec.timed_out;
  entry["terminal"] = exec.terminal;
  entry["attached"] = exec.attached;
  entry["started"] = FormatTime(exec.started_ns);
  entry["ended"] = exec.running ? Document(nullptr) : Document(FormatTime(exec.ended_ns));
  entry["stdout"] = Stream(exec.stdout_begin, exec.stdout_end);
  entry["stderr"] = Stream(exec.stderr_begin, exec.stderr_end);
  return entry;
}

}  // namespace boxlite::cli

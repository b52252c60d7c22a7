#include "boxlite/cli/use_view.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "boxlite/cli/table.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr char kNothing[] = "--";

// "1:02:03" or "02:03", as ps shows it.
std::string ClockText(std::uint64_t ms) {
  const std::uint64_t seconds = ms / 1000;
  char text[32];
  if (seconds >= 3600) {
    std::snprintf(text, sizeof text, "%llu:%02llu:%02llu",
                  static_cast<unsigned long long>(seconds / 3600),
                  static_cast<unsigned long long>(seconds / 60 % 60),
                  static_cast<unsigned long long>(seconds % 60));
  } else {
    std::snprintf(text, sizeof text, "%02llu:%02llu", static_cast<unsigned long long>(seconds / 60),
                  static_cast<unsigned long long>(seconds % 60));
  }
  return text;
}

std::string PercentText(double percent) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%", percent);
  return text;
}

// 100: one processor all the time. A counter that went back (another life's) counts as none.
double CpuPercent(std::uint64_t before_ms, std::uint64_t after_ms, std::int64_t between_ns) {
  if (between_ns <= 0 || after_ms <= before_ms) return 0;
  return static_cast<double>(after_ms - before_ms) * 1e6 * 100 / static_cast<double>(between_ns);
}

double Share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) * 100 / static_cast<double>(whole);
}

double HostCpu(const std::optional<HostUse>& before, const HostUse& after, std::int64_t between) {
  if (!before || before->pid != after.pid) return 0;
  return CpuPercent(before->cpu_ms, after.cpu_ms, between);
}

std::string HostText(const std::optional<HostUse>& before, const std::optional<HostUse>& after,
                     std::int64_t between) {
  if (!after) return kNothing;
  const std::uint64_t memory =
      after->proportional_bytes != 0 ? after->proportional_bytes : after->resident_bytes;
  return BinarySize(memory) + " " + PercentText(HostCpu(before, *after, between));
}

Document HostEntry(const std::optional<HostUse>& before, const std::optional<HostUse>& after,
                   std::int64_t between) {
  if (!after) return nullptr;
  return {{"pid", after->pid},
          {"cpu_percent", HostCpu(before, *after, between)},
          {"rss_bytes", after->resident_bytes},
          {"pss_bytes", after->proportional_bytes}};
}

}  // namespace

std::string ProcessTable(const BoxProcesses& processes) {
  std::vector<std::vector<std::string>> rows = {{"PID", "USER", "TIME", "EXEC", "COMMAND"}};
  for (const BoxProcess& process : processes.processes) {
    rows.push_back({std::to_string(process.pid), process.user, ClockText(process.cpu_ms),
                    process.exec_id, process.command});
  }
  return FormatTable(rows);
}

Document ProcessEntries(const BoxProcesses& processes) {
  Document entries = Document::array();
  for (const BoxProcess& process : processes.processes) {
    entries.push_back({{"pid", process.pid},
                       {"ppid", process.parent},
                       {"user", process.user},
                       {"state", process.state},
                       {"exec", process.exec_id},
                       {"started_ago_ms", process.started_ago_ms},
                       {"cpu_ms", process.cpu_ms},
                       {"rss_bytes", process.resident_bytes},
                       {"command", process.command}});
  }
  return entries;
}

std::string UseTable(const std::vector<UseRow>& rows) {
  std::vector<std::vector<std::string>> cells = {{"ID", "NAME", "CPU %", "MEM USAGE / LIMIT",
                                                  "MEM %", "DISK USED / SIZE", "PIDS", "SHIM",
                                                  "VM"}};
  for (const UseRow& row : rows) {
    if (!row.before || !row.after) {
      cells.push_back({row.id.str(), row.name, row.state, kNothing, kNothing, kNothing, kNothing,
                       kNothing, kNothing});
      continue;
    }
    const BoxUse& before = *row.before;
    const BoxUse& now = *row.after;
    const std::int64_t between = now.at_ns - before.at_ns;
    cells.push_back({row.id.str(), row.name,
                     PercentText(CpuPercent(before.cpu_ms, now.cpu_ms, between)),
                     BinarySize(now.memory_bytes) + " / " + BinarySize(now.memory_limit_bytes),
                     PercentText(Share(now.memory_bytes, now.memory_limit_bytes)),
                     BinarySize(now.disk_used_bytes) + " / " + BinarySize(now.disk_size_bytes),
                     std::to_string(now.processes), HostText(before.shim, now.shim, between),
                     HostText(before.vm, now.vm, between)});
  }
  return FormatTable(cells);
}

Document UseEntries(const std::vector<UseRow>& rows) {
  Document entries = Document::array();
  for (const UseRow& row : rows) {
    Document entry = {{"id", row.id.str()}, {"name", row.name}, {"state", row.state}};
    const bool known = row.before && row.after;
    const BoxUse before = row.before.value_or(BoxUse());
    const BoxUse now = row.after.value_or(BoxUse());
    const std::int64_t between = now.at_ns - before.at_ns;
    const auto put = [&](const char* key, Document value) {
      entry[key] = known ? std::move(value) : Document(nullptr);
    };
    put("cpu_percent", CpuPercent(before.cpu_ms, now.cpu_ms, between));
    put("memory_bytes", now.memory_bytes);
    put("memory_limit_bytes", now.memory_limit_bytes);
    put("memory_percent", Share(now.memory_bytes, now.memory_limit_bytes));
    put("disk_used_bytes", now.disk_used_bytes);
    put("disk_size_bytes", now.disk_size_bytes);
    put("read_bytes", now.read_bytes);
    put("written_bytes", now.written_bytes);
    put("pids", now.processes);
    put("shim", HostEntry(before.shim, now.shim, between));
    put("vm", HostEntry(before.vm, now.vm, between));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace boxlite::cli

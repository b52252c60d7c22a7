#include "boxlite/agent/box_look.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "boxlite/agent/box_file.h"
#include "boxlite/agent/cgroup.h"
#include "boxlite/agent/proc_text.h"
#include "boxlite/agent/root_disk.h"
#include "boxlite/agent/user_database.h"
#include "boxlite/base/files.h"
#include "boxlite/base/keyed_text.h"
#include "boxlite/base/process_identity.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxProcBytes = 64 * 1024;
constexpr std::size_t kMaxPasswdBytes = 4 * 1024 * 1024;
constexpr std::size_t kProcessesAtOnce = 16;  // about a millisecond
constexpr char kRootDiskName[] = "vda";

std::uint64_t MillisecondsSinceBoot() {
  timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

std::uint64_t TicksToMs(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return ticks * 1000 / per_second;
}

// The begin of a file: a process may make its arguments as long as it likes.
std::string ReadBegin(const std::string& path, std::size_t limit) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return "";
  std::string text(limit, '\0');
  ssize_t count;
  do {
    count = ::read(file.get(), text.data(), text.size());
  } while (count < 0 && errno == EINTR);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

std::string ReadText(const std::string& path) {
  Result<std::string> text = ReadFile(AT_FDCWD, path, kMaxProcBytes);
  return text.ok() ? *std::move(text) : "";
}

class Scan {
 public:
  Scan() : members_(BoxProcesses()), now_ms_(MillisecondsSinceBoot()) {
    list_.total = members_.size();
    if (members_.size() > kMaxProcesses) members_.resize(kMaxProcesses);
  }

  kj::Promise<ProcessList> Run() {
    for (std::size_t i = 0; i < kProcessesAtOnce && next_ < members_.size(); ++i) {
      ReadOne(members_[next_++]);
    }
    if (next_ < members_.size()) return kj::evalLater([this]() { return Run(); });
    return Finish();
  }

 private:
  // One that has ended meanwhile is left out.
  void ReadOne(const BoxProcess& member) {
    const std::string directory = "/proc/" + std::to_string(member.pid);
    Result<std::optional<ProcessStat>> stat = ReadProcessStat(member.pid);
    Result<StatusFacts> status = ParseProcessStatus(ReadText(directory + "/status"));
    if (!stat.ok() || !stat->has_value() || !status.ok() || status->box_pid == 0) return;
    ProcessFacts facts;
    facts.pid = status->box_pid;
    facts.parent = (*stat)->parent;
    facts.state = (*stat)->state;
    facts.cpu_ms = TicksToMs((*stat)->cpu_ticks);
    const std::uint64_t started_ms = TicksToMs((*stat)->start_ticks);
    facts.started_ago_ms = now_ms_ > started_ms ? now_ms_ - started_ms : 0;
    facts.resident_bytes =
        (*stat)->resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t room = std::min(kMaxCommandBytes, kMaxCommandBytesInAll - command_bytes_);
    if (room > 0) facts.command = CommandOf(ReadBegin(directory + "/cmdline", room));
    if (facts.command.empty()) facts.command = "[" + (*stat)->name + "]";
    command_bytes_ = std::min(command_bytes_ + facts.command.size(), kMaxCommandBytesInAll);
    facts.program = member.program;
    uids_.insert(status->effective_uid);
    owners_.push_back(status->effective_uid);
    box_pids_.emplace(member.pid, status->box_pid);
    list_.processes.push_back(std::move(facts));
  }

  ProcessList Finish() {
    const std::map<uid_t, std::string> names = UserNames(uids_, ReadPasswd());
    for (std::size_t i = 0; i < list_.processes.size(); ++i) {
      ProcessFacts& process = list_.processes[i];
      const auto name = names.find(owners_[i]);
      process.user = name != names.end() ? name->second : std::to_string(owners_[i]);
      const auto parent = box_pids_.find(process.parent);
      process.parent = parent != box_pids_.end() ? parent->second : 0;
    }
    std::sort(list_.processes.begin(), list_.processes.end(),
              [](const ProcessFacts& a, const ProcessFacts& b) { return a.pid < b.pid; });
    return std::move(list_);
  }

  static std::string ReadPasswd() {
    Result<Fd> root = OpenDirectoryPath(kBoxRoot);
    if (!root.ok()) return "";
    Result<std::optional<std::string>> text =
        ReadBoxFile(root->get(), "etc/passwd", kMaxPasswdBytes);
    return text.ok() ? text->value_or("") : "";
  }

  std::vector<BoxProcess> members_;
  const std::uint64_t now_ms_;
  std::size_t next_ = 0;
  std::size_t command_bytes_ = 0;
  std::set<uid_t> uids_;
  std::vector<uid_t> owners_;  // beside list_.processes
  std::map<pid_t, pid_t> box_pids_;
  ProcessList list_;
};

}  // namespace

kj::Promise<ProcessList> ListBoxProcesses() {
  auto scan = kj::heap<Scan>();
  kj::Promise<ProcessList> running = scan->Run();
  return running.attach(kj::mv(scan));
}

void ToWire(const ProcessList& list, capnp::List<wire::ProcessInfo>::Builder out) {
  for (unsigned i = 0; i < list.processes.size(); ++i) {
    const ProcessFacts& process = list.processes[i];
    auto info = out[i];
    info.setPid(process.pid);
    info.setParentPid(process.parent);
    info.setUser(AsBytes(process.user));
    info.setState(AsBytes(std::string_view(&process.state, 1)));
    info.setStartedAgoMs(process.started_ago_ms);
    info.setCpuMs(process.cpu_ms);
    info.setResidentBytes(process.resident_bytes);
    info.setCommand(AsBytes(process.command));
    info.setExecId(process.program.c_str());
  }
}

void FillStatistics(wire::GuestStatistics::Builder out) {
  const std::string box(kBoxCgroup);
  out.setCpuMs(NumberOf(ReadText(box + "/cpu.stat"), "usage_usec").value_or(0) / 1000);
  out.setMemoryBytes(NumberOf("is " + ReadText(box + "/memory.current"), "is").value_or(0));
  out.setMemoryLimitBytes(NumberOf(ReadText("/proc/meminfo"), "MemTotal:").value_or(0) * 1024);
  out.setProcesses(static_cast<std::uint32_t>(
      NumberOf("is " + ReadText(box + "/pids.current"), "is").value_or(BoxProcesses().size())));
  struct statvfs root = {};
  if (::statvfs(kBoxRoot, &root) == 0) {
    out.setDiskUsedBytes((root.f_blocks - root.f_bfree) * root.f_frsize);
    out.setDiskSizeBytes(root.f_blocks * root.f_frsize);
  }
  const auto traffic =
      TrafficOf(ReadText("/proc/diskstats"), kRootDiskName).value_or(DiskTraffic());
  out.setReadBytes(traffic.read_bytes);
  out.setWrittenBytes(traffic.written_bytes);
}

}  // namespace boxlite

#include "boxlite/agent/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

#include "boxlite/agent/device_filter.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

constexpr char kControllers[] = "/sys/fs/cgroup/cgroup.subtree_control";
constexpr char kMainProgram[] = "main";
// A line for each of the kernel's at most four million processes would be larger: the rest gets the
// kill.
constexpr std::size_t kMaxProcsBytes = 4 * 1024 * 1024;

std::string PathOf(const std::string& name) { return std::string(kBoxCgroup) + "/" + name; }

std::vector<pid_t> Members(const std::string& group) {
  std::vector<pid_t> pids;
  Result<std::string> text = ReadFile(AT_FDCWD, group + "/cgroup.procs", kMaxProcsBytes);
  if (!text.ok()) return pids;
  const char* at = text->data();
  const char* end = at + text->size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    if (parsed.ec == std::errc() && pid > 1) pids.push_back(pid);
    at = parsed.ptr == at ? at + 1 : parsed.ptr;
    while (at < end && *at == '\n') ++at;
  }
  return pids;
}

// Of the groups below the box's.
std::vector<std::string> GroupNames() {
  Result<Fd> directory = OpenDirectoryPath(kBoxCgroup);
  if (!directory.ok()) return {};
  Result<std::vector<std::string>> names = ListDirectory(directory->get());
  if (!names.ok()) return {};
  // The kernel's files have a dot in their names, ids have none.
  std::erase_if(*names,
                [](const std::string& name) { return name.find('.') != std::string::npos; });
  return *std::move(names);
}

void SignalMembers(const std::string& group, int signal_number) {
  // A pid that was reused since it was read is a process of the box again: there are no others but
  // the kernel's, which take no signals.
  for (const pid_t pid : Members(group)) ::kill(pid, signal_number);
}

}  // namespace

Status MakeBoxCgroup() {
  // For statistics only: a kernel without them counts less.
  for (const char* controller : {"+memory", "+pids"}) {
    Fd file(::open(kControllers, O_WRONLY | O_CLOEXEC));
    if (file.valid()) static_cast<void>(WriteAll(file.get(), controller).ok());
  }
  if (::mkdir(kBoxCgroup, 0755) != 0 && errno != EEXIST) return ErrnoError(kBoxCgroup);
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenDirectoryPath(kBoxCgroup));
  return AttachDeviceFilter(directory.get());
}

void SignalBoxCgroup(int signal_number) {
  SignalMembers(kBoxCgroup, signal_number);
  for (const std::string& name : GroupNames()) SignalMembers(PathOf(name), signal_number);
}

std::vector<BoxProcess> BoxProcesses() {
  std::vector<BoxProcess> processes;
  for (const pid_t pid : Members(kBoxCgroup)) processes.push_back({pid, kMainProgram});
  for (const std::string& name : GroupNames()) {
    for (const pid_t pid : Members(PathOf(name))) processes.push_back({pid, name});
  }
  return processes;
}

Result<Cgroup> Cgroup::OfBox() {
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenDirectoryPath(kBoxCgroup));
  return Cgroup("", std::move(directory));
}

Result<Cgroup> Cgroup::Make(const std::string& name) {
  const std::string path = PathOf(name);
  ::rmdir(path.c_str());  // an empty one that an earlier program of this name left
  if (::mkdir(path.c_str(), 0755) != 0) return ErrnoError("make the cgroup " + name);
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenDirectoryPath(path));
  return Cgroup(name, std::move(directory));
}

Status Cgroup::Kill() const {
  if (!directory_.valid()) return {};
  Fd file(::openat(directory_.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoError("open cgroup.kill");
  return WriteAll(file.get(), "1");
}

bool Cgroup::Remove() {
  if (name_.empty()) return true;
  if (::rmdir(PathOf(name_).c_str()) != 0 && errno != ENOENT) return false;
  name_.clear();
  directory_.Reset();
  return true;
}

}  // namespace boxlite

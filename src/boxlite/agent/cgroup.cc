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

constexpr char kBoxCgroup[] = "/sys/fs/cgroup/box";
// A line for each of the kernel's at most four million processes would be larger: the rest gets the
// kill.
constexpr std::size_t kMaxProcsBytes = 4 * 1024 * 1024;

std::string PathOf(const std::string& name) { return std::string(kBoxCgroup) + "/" + name; }

void SignalMembers(const std::string& group, int signal_number) {
  Result<std::string> text = ReadFile(AT_FDCWD, group + "/cgroup.procs", kMaxProcsBytes);
  if (!text.ok()) return;
  const char* at = text->data();
  const char* end = at + text->size();
  while (at < end) {
    pid_t pid = 0;
    const auto parsed = std::from_chars(at, end, pid);
    // A pid that was reused since it was read is a process of the box again: there are no others
    // but the kernel's, which take no signals.
    if (parsed.ec == std::errc() && pid > 1) ::kill(pid, signal_number);
    at = parsed.ptr == at ? at + 1 : parsed.ptr;
    while (at < end && *at == '\n') ++at;
  }
}

}  // namespace

Status MakeBoxCgroup() {
  if (::mkdir(kBoxCgroup, 0755) != 0 && errno != EEXIST) return ErrnoError(kBoxCgroup);
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenDirectoryPath(kBoxCgroup));
  return AttachDeviceFilter(directory.get());
}

void SignalBoxCgroup(int signal_number) {
  Result<Fd> directory = OpenDirectoryPath(kBoxCgroup);
  if (!directory.ok()) return;
  SignalMembers(kBoxCgroup, signal_number);
  Result<std::vector<std::string>> names = ListDirectory(directory->get());
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    // The kernel's files have a dot in their names, ids have none.
    if (name.find('.') == std::string::npos) SignalMembers(PathOf(name), signal_number);
  }
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

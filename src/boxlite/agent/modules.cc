#include "boxlite/agent/modules.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/fd.h"

namespace boxlite {
namespace {

bool IsModuleCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

Result<std::vector<std::string>> ParseModuleList(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    if (!std::all_of(line.begin(), line.end(), IsModuleCharacter)) {
      return Error(ErrorCode::kInvalidArgument, "no name of a module: " + std::string(line));
    }
    names.emplace_back(line);
  }
  return names;
}

ModuleSplit SplitModules(std::vector<std::string> names, std::string_view last) {
  auto cut = std::find(names.begin(), names.end(), last);
  if (cut != names.end()) ++cut;
  return ModuleSplit{{names.begin(), cut}, {cut, names.end()}};
}

Status LoadModule(const std::string& name) {
  const std::string path = "/modules/" + name + ".ko";
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoError("open the module " + name);
  if (::syscall(SYS_finit_module, file.get(), "", 0) != 0 && errno != EEXIST) {
    return ErrnoError("load the module " + name);
  }
  ::unlink(path.c_str());  // the initramfs is memory
  return {};
}

}  // namespace boxlite

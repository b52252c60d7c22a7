#include "boxlite/agent/box_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "boxlite/base/fd.h"

namespace boxlite {

Result<std::optional<std::string>> ReadBoxFile(int root_fd, const std::string& path,
                                               std::size_t limit) {
  open_how how = {};
  // Non-blocking: opening a FIFO must not wait for its writer.
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  Fd file(static_cast<int>(::syscall(SYS_openat2, root_fd, path.c_str(), &how, sizeof how)));
  if (!file.valid()) return std::optional<std::string>();
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::optional<std::string>();
  }
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("read the box's " + path);
    if (count == 0) return std::optional<std::string>(std::move(content));
    content.append(buffer, static_cast<std::size_t>(count));
    if (content.size() > limit) {
      return Error(ErrorCode::kResourceExhausted,
                   "the box's " + path + " is larger than " + std::to_string(limit) + " bytes");
    }
  }
}

}  // namespace boxlite

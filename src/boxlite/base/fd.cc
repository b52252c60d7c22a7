#include "boxlite/base/fd.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace boxlite {

Result<FdPair> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoError("make a pipe");
  return FdPair{Fd(ends[0]), Fd(ends[1])};
}

Result<FdPair> MakeSocketPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoError("make a socket pair");
  }
  return FdPair{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> DuplicateFd(int fd) {
  int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return ErrnoError("duplicate a descriptor");
  return Fd(copy);
}

}  // namespace boxlite

// boxlite-shim: the supervisor of one box for one life. Started by the runtime only; see
// runtime/shim_birth.h for what it is born with.
#include <fcntl.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/base/large_buffers.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/shim/shim.h"

namespace boxlite {
namespace {

constexpr int kExitBadBirth = 3;
constexpr int kExitInternal = 4;

// Takes over a descriptor that the starter promised; what QEMU is to inherit is said at its start.
Fd Take(int number) {
  ::fcntl(number, F_SETFD, FD_CLOEXEC);
  return Fd(number);
}

Result<ShimInheritance> TakeInheritance(const ShimBirth& birth) {
  BOXLITE_ASSIGN_OR_RETURN(Home home, Home::FromDescriptor(Take(kShimHomeFd)));
  ShimInheritance inheritance{std::move(home),
                              Take(kShimBoxFd),
                              Take(kShimReportFd),
                              Take(kShimVerbLockFd),
                              Take(kShimLifeFd),
                              Take(kShimBaseFd),
                              Fd(),
                              Fd(),
                              Fd()};
  if (birth.reader_comes) inheritance.reader = Take(kShimReaderFd);
  if (birth.attached) {
    inheritance.keepalive = Take(kShimKeepaliveFd);
    inheritance.creator = Take(kShimCreatorFd);
  }
  return inheritance;
}

int Main() {
  Result<std::string> body = ReadFramedBirth(STDIN_FILENO);
  if (!body.ok()) {
    std::fprintf(stderr, "boxlite-shim: %s\n", body.error().message().c_str());
    return kExitBadBirth;
  }
  Result<ShimBirth> birth = DecodeBirth(*body);
  if (!birth.ok()) {
    std::fprintf(stderr, "boxlite-shim: %s\n", birth.error().message().c_str());
    return kExitBadBirth;
  }
  Result<ShimInheritance> inheritance = TakeInheritance(*birth);
  if (!inheritance.ok()) {
    std::fprintf(stderr, "boxlite-shim: %s\n", inheritance.error().message().c_str());
    return kExitInternal;
  }
  BOXLITE_FAILPOINT("shim.born");
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::AsyncIoContext io = kj::setupAsyncIo();
  Shim shim(io, std::move(*birth), std::move(*inheritance));
  shim.Run().wait(io.waitScope);
  return 0;
}

}  // namespace
}  // namespace boxlite

int main() {
  boxlite::KeepLargeBuffers();
  try {
    return boxlite::Main();
  } catch (const kj::Exception& exception) {
    std::fprintf(stderr, "boxlite-shim: %s\n", kj::str(exception).cStr());
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "boxlite-shim: %s\n", exception.what());
  }
  return boxlite::kExitInternal;
}

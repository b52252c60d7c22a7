// boxlite-guest: pid 1 of every box's virtual machine.
#include <kj/async-io.h>
#include <kj/exception.h>
#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <cstdio>

#include "boxlite/agent/agent_service.h"
#include "boxlite/agent/boot.h"
#include "boxlite/agent/console.h"
#include "boxlite/agent/guest_port.h"
#include "boxlite/agent/session.h"
#include "boxlite/base/large_buffers.h"

namespace boxlite {
namespace {

// The machine's end is how the host learns of it; the console says why.
[[noreturn]] void GiveUp(std::string_view reason) {
  Say(std::string("gives up: ") + std::string(reason));
  ::sync();
  ::reboot(RB_POWER_OFF);
  ::_exit(1);
}

void Run() {
  Result<Fd> port_fd = BootToPort();
  if (!port_fd.ok()) GiveUp(port_fd.error().message());
  kj::UnixEventPort::captureSignal(SIGCHLD);
  kj::AsyncIoContext io = kj::setupAsyncIo();
  GuestPort port(std::move(*port_fd), io.unixEventPort);
  ServeSessions(port, kj::heap<AgentService>(io, port), []() {
    if (Status booted = FinishBoot(); !booted.ok()) GiveUp(booted.error().message());
  }).wait(io.waitScope);
}

}  // namespace
}  // namespace boxlite

int main() {
  if (::getpid() != 1) {
    std::fputs("boxlite-guest is the init of a box's virtual machine; it runs nowhere else\n",
               stderr);
    return 2;
  }
  boxlite::KeepLargeBuffers();
  KJ_IF_MAYBE (exception, kj::runCatchingExceptions([]() { boxlite::Run(); })) {
    boxlite::GiveUp(exception->getDescription().cStr());
  }
  boxlite::GiveUp("nothing left to serve");
}

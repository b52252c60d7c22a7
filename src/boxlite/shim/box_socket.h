// shim.sock: where clients of a live box connect. Bound through the box's directory descriptor, so
// that any length of home works, and bound again when somebody deleted it.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include "boxlite/base/result.h"

namespace boxlite {

class BoxSocket {
 public:
  // `service` is what each client gets. Needs the shim lock: a socket of an earlier life is
  // replaced.
  BoxSocket(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, int box_fd,
            capnp::Capability::Client service)
      : io_(io), timer_(timer), box_fd_(box_fd), server_(kj::mv(service)), tasks_(nullptr) {}

  Status Bind();
  // Binds anew if the file is gone; existing connections stay.
  Status RebindIfGone();
  // Removes the file. Connections stay until the shim ends.
  void Unlink();

 private:
  // Accepts for ever: a failed accept (no descriptor left) is tried again a moment later.
  kj::Promise<void> Accept();

  kj::LowLevelAsyncIoProvider& io_;
  kj::Timer& timer_;
  int box_fd_;
  capnp::TwoPartyServer server_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  kj::Promise<void> tasks_;
};

}  // namespace boxlite

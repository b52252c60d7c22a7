// shim.sock: where clients of a live box connect. Bound through the box's directory descriptor, so
// that any length of home works, and bound again when somebody deleted it.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include "boxlite/base/result.h"

namespace boxlite {

class BoxSocket {
 public:
  // `service` is what each client gets. Needs the shim lock: a socket of an earlier life is
  // replaced.
  BoxSocket(kj::LowLevelAsyncIoProvider& io, int box_fd, capnp::Capability::Client service)
      : io_(io), box_fd_(box_fd), server_(kj::mv(service)), tasks_(nullptr) {}

  Status Bind();
  // Binds anew if the file is gone; existing connections stay.
  Status RebindIfGone();
  // Removes the file. Connections stay until the shim ends.
  void Unlink();

 private:
  kj::LowLevelAsyncIoProvider& io_;
  int box_fd_;
  capnp::TwoPartyServer server_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  kj::Promise<void> tasks_;
};

}  // namespace boxlite

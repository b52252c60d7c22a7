// GuestLink: the shim's one session with the guest's agent over the serial port. The guest is
// hostile: what it may send is bounded in size, nesting and calls in flight, and text of its is
// made printable.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <capnp/rpc.h>
#include <kj/async-io.h>

#include "agent.capnp.h"
#include "boxlite/base/result.h"
#include "boxlite/rpc/serial_handshake.h"

namespace boxlite {

// A message of the guest's: a chunk of output (256 KiB at most) with room for its envelope.
inline constexpr std::uint64_t kGuestMessageWords = (1024 * 1024) / 8;
inline constexpr int kGuestNestingLimit = 16;
// Calls of the guest's that the shim has not answered yet, in words. A stream has at most a window
// (kStreamWindow) and one chunk under way, so some eighty slow readers fit before the port stalls.
inline constexpr std::size_t kGuestFlowLimitWords = 32 * kGuestMessageWords;

class GuestLink {
 public:
  // Greets on `port` and waits for this session's answer, discarding what earlier sessions left.
  // `port` must outlive the link. Rejects (never hangs by itself: the caller races it) when the
  // port ends or the peer speaks another protocol version.
  static kj::Promise<kj::Own<GuestLink>> Open(kj::AsyncIoStream& port);

  wire::Agent::Client& agent() { return agent_; }
  // Resolves when the session has ended: the machine is gone or the agent broke the protocol.
  kj::Promise<void> WhenClosed() { return network_.onDisconnect(); }

  explicit GuestLink(kj::Own<kj::AsyncIoStream> session);

 private:
  static capnp::ReaderOptions Limits();

  kj::Own<kj::AsyncIoStream> session_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
  wire::Agent::Client agent_;
};

}  // namespace boxlite

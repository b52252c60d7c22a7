// The agent's sessions with the host, one after the other: greeting, Cap'n Proto, until the host's
// end of the port is closed; then the next greeting.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include <functional>

#include "agent.capnp.h"
#include "boxlite/agent/guest_port.h"

namespace boxlite {

// Serves `agent` for ever. `after_first_greeting` runs once, when the host has been answered and
// before its first call is read: what the host need not wait for.
kj::Promise<void> ServeSessions(GuestPort& port, wire::Agent::Client agent,
                                std::function<void()> after_first_greeting);

}  // namespace boxlite

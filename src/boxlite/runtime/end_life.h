// The one routine that ends a life: used by stop, restart, rm -f and failed starts.
#pragma once

#include <kj/async-io.h>

#include <chrono>
#include <functional>
#include <optional>

#include "boxlite/base/process_identity.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/box_spec.h"
#include "boxlite/runtime/box_state.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite {

// The shim of a box whose shim lock is held: by its record when the process there carries the lock,
// else by looking for who carries it. Never anybody who does not carry the lock. kNotFound: it has
// just left; kPermissionDenied: it is another user's.
Result<ProcessHandle> FindShim(int box_fd, const Evidence& evidence);

// Ask, wait, kill, prove. Returns success only when both locks are free; kTimeout names what lives.
// The caller holds the verb lock. `when_asked` is called once the shim knows that it must end: who
// holds the life's keepalive may let go of it then.
Result<EndReport> EndLife(kj::AsyncIoContext& io, int box_fd, const BoxId& id,
                          std::chrono::milliseconds grace,
                          const std::function<void()>& when_asked = nullptr);

// The asking alone: tells a live shim to end, with this grace or the shorter one it was told
// before. Needs no verb lock. False when it does not answer.
bool AskToEnd(kj::AsyncIoContext& io, int box_fd, const BoxId& id, const Evidence& evidence,
              std::chrono::milliseconds grace);

// Waits until both locks are free, killing nothing. False when `wait` was over first.
Result<bool> AwaitLocksFree(int box_fd, std::chrono::milliseconds wait);

}  // namespace boxlite

// Templates of shim_client.h.
#pragma once

#include "boxlite/base/interrupt.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/shim_client.h"

namespace boxlite {

namespace internal {
// kj has no Result: the value or the exception crosses the wait in here.
template <typename T>
struct Awaited {
  kj::Maybe<kj::Exception> exception;
  kj::Maybe<T> value;
};
}  // namespace internal

template <typename T>
Result<T> AwaitPromise(kj::AsyncIoContext& io, kj::Promise<T> promise,
                       std::optional<std::chrono::milliseconds> timeout) {
  using Awaited = internal::Awaited<T>;
  kj::Promise<Awaited> settled = promise.then(
      [](T&& value) {
        return Awaited{nullptr, kj::mv(value)};
      },
      [](kj::Exception&& exception) {
        return Awaited{kj::mv(exception), nullptr};
      });
  // Short timeouts are steps of something that must not be left half done.
  std::optional<kj::UnixEventPort::FdObserver> interrupt;
  if (CurrentInterrupt() >= 0 && (!timeout || *timeout > kHandshakeTimeout)) {
    interrupt.emplace(io.unixEventPort, CurrentInterrupt(),
                      kj::UnixEventPort::FdObserver::OBSERVE_READ);
    settled = settled.exclusiveJoin(interrupt->whenBecomesReadable().then([]() {
      return Awaited{nullptr, nullptr};
    }));
  }
  if (timeout) {
    // kj's clock stands still while its loop does not run: after a wait elsewhere (for a lock, a
    // pidfd) it is behind, and a timeout counted from there would be over at once.
    io.waitScope.poll();
    settled = settled.exclusiveJoin(
        io.provider->getTimer().afterDelay(timeout->count() * kj::MILLISECONDS).then([]() {
          return Awaited{nullptr, nullptr};
        }));
  }
  Awaited awaited = settled.wait(io.waitScope);
  KJ_IF_MAYBE (exception, awaited.exception) {
    return FromException(*exception);
  }
  KJ_IF_MAYBE (value, awaited.value) {
    return kj::mv(*value);
  }
  if (!timeout || (interrupt && Interrupted())) return InterruptedError();
  return Error(ErrorCode::kTimeout, "no answer within " + std::to_string(timeout->count()) + " ms");
}

template <typename T>
Result<T> ShimClient::Await(kj::Promise<T> promise,
                            std::optional<std::chrono::milliseconds> timeout) {
  return AwaitPromise<T>(io_, kj::mv(promise), timeout);
}

}  // namespace boxlite

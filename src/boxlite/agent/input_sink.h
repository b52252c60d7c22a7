// A program's standard input, as the sink that the host writes into.
#pragma once

#include <kj/async-unix.h>

#include "boxlite/base/fd.h"
#include "types.capnp.h"

namespace boxlite {

class InputSink final : public wire::ByteSink::Server {
 public:
  // `pipe` is non-blocking. It is held open until end(), or until the sink is destroyed.
  InputSink(Fd pipe, kj::UnixEventPort& event_port);

  // Resolves when the program's pipe has taken the bytes, or when nobody reads it any more: what
  // comes then is dropped.
  kj::Promise<void> write(WriteContext context) override;
  kj::Promise<void> end(EndContext context) override;

 private:
  kj::Promise<void> Write(kj::ArrayPtr<const kj::byte> bytes);

  struct Open {
    Open(Fd fd, kj::UnixEventPort& event_port)
        : pipe(std::move(fd)),
          observer(event_port, pipe.get(), kj::UnixEventPort::FdObserver::OBSERVE_WRITE) {}
    Fd pipe;
    kj::UnixEventPort::FdObserver observer;
  };
  kj::Maybe<Open> open_;
};

}  // namespace boxlite

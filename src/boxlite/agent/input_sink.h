// A program's standard input, as the sink that the host writes into.
#pragma once

#include <kj/async-unix.h>

#include <string>

#include "boxlite/base/fd.h"
#include "types.capnp.h"

namespace boxlite {

class InputSink final : public wire::ByteSink::Server {
 public:
  // What end() does: a pipe is closed. A terminal cannot be without hanging up its program, whose
  // output still counts; it gets what a person would type to end its input (EndOfInput()), so that
  // `cat` ends on a terminal as it does on a pipe. As with a person, a program that is not reading
  // lines when it comes (a shell that edits them itself, and runs a command just then) may miss it.
  enum class Kind { kPipe, kTerminal };

  // `fd`, a pipe's write end or a terminal's master, is non-blocking. It is held open until end(),
  // or until the sink is destroyed.
  InputSink(Fd fd, kj::UnixEventPort& event_port, Kind kind = Kind::kPipe);

  // Resolves when the kernel has taken the bytes for the program, or when nobody reads it any more:
  // what comes then is dropped. A terminal drops, as any does, what exceeds 4095 bytes of one line
  // that its program reads as a line.
  kj::Promise<void> write(WriteContext context) override;
  kj::Promise<void> end(EndContext context) override;

 private:
  kj::Promise<void> Write(kj::ArrayPtr<const kj::byte> bytes);

  struct Open {
    Open(Fd end, kj::UnixEventPort& event_port)
        : fd(std::move(end)),
          observer(event_port, fd.get(), kj::UnixEventPort::FdObserver::OBSERVE_WRITE) {}
    Fd fd;
    kj::UnixEventPort::FdObserver observer;
  };
  const Kind kind_;
  kj::Maybe<Open> open_;
  kj::byte last_ = '\n';
  std::string end_;  // what end() writes
};

}  // namespace boxlite

// A client's side of program_io.h: the pump from a descriptor to a program's input, which watches
// for the keys that detach, the way of its output, and the ControlSources.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/runtime/program_io.h"
#include "types.capnp.h"

namespace boxlite {

// To `write`, to `fd` or nowhere, as OutputTarget says.
Status WriteOutput(const OutputTarget& target, std::string_view bytes);

// Looks for a sequence of bytes in a stream that comes in pieces. What may be its beginning is held
// back until it is told from it.
class DetachScanner {
 public:
  // Empty: nothing is ever found.
  explicit DetachScanner(std::string keys) : keys_(std::move(keys)) {}

  // The bytes to pass on. After the keys were found nothing more is passed.
  std::string Feed(std::string_view bytes);
  bool found() const { return found_; }
  // At the stream's end: what was held back.
  std::string Rest();

 private:
  std::string keys_;
  std::string held_;  // a beginning of keys_
  bool found_ = false;
};

// Copies a descriptor into a sink until its end, then end()s the sink. Works for pipes, sockets,
// terminals and files without changing their flags: other processes share them.
class InputPump {
 public:
  // `on_detach` is called once, when `detach_keys` were read; the sink is then not ended.
  InputPump(kj::AsyncIoContext& io, int fd, wire::ByteSink::Client sink, std::string detach_keys,
            std::function<void()> on_detach);

  // Resolves at the input's end; rejects when the sink fails.
  kj::Promise<void> Run();

 private:
  kj::Promise<void> Send(const std::string& bytes);
  kj::Promise<void> End();

  int fd_;
  wire::ByteSink::Client sink_;
  DetachScanner scanner_;
  std::function<void()> on_detach_;
  std::optional<kj::UnixEventPort::FdObserver> observer_;
};

// Calls the callbacks of the sources while it lives.
class ControlWatch {
 public:
  ControlWatch(kj::AsyncIoContext& io, const std::vector<ControlSource>& sources,
               ProgramControls& controls);

 private:
  struct Watched {
    Watched(kj::AsyncIoContext& io, ControlSource s)
        : source(std::move(s)),
          observer(io.unixEventPort, source.fd, kj::UnixEventPort::FdObserver::OBSERVE_READ) {}
    ControlSource source;
    kj::UnixEventPort::FdObserver observer;
    kj::Promise<void> watching = nullptr;
  };
  kj::Promise<void> Watch(Watched& watched);

  ProgramControls& controls_;
  std::list<Watched> watched_;
};

}  // namespace boxlite

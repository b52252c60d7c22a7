#include "boxlite/agent/input_sink.h"

#include <kj/debug.h>
#include <unistd.h>

#include <cerrno>

namespace boxlite {

InputSink::InputSink(Fd pipe, kj::UnixEventPort& event_port) {
  open_.emplace(std::move(pipe), event_port);
}

kj::Promise<void> InputSink::write(WriteContext context) {
  return Write(context.getParams().getBytes()).attach(kj::cp(context));
}

kj::Promise<void> InputSink::Write(kj::ArrayPtr<const kj::byte> bytes) {
  KJ_IF_MAYBE (open, open_) {
    while (bytes.size() > 0) {
      const ssize_t count = ::write(open->pipe.get(), bytes.begin(), bytes.size());
      if (count >= 0) {
        bytes = bytes.slice(static_cast<std::size_t>(count), bytes.size());
      } else if (errno == EAGAIN) {
        return open->observer.whenBecomesWritable().then([this, bytes]() { return Write(bytes); });
      } else if (errno != EINTR) {
        open_ = nullptr;  // EPIPE: nobody reads
        break;
      }
    }
  }
  return kj::READY_NOW;
}

kj::Promise<void> InputSink::end(EndContext) {
  open_ = nullptr;
  return kj::READY_NOW;
}

}  // namespace boxlite

#include "boxlite/agent/input_sink.h"

#include <kj/debug.h>
#include <unistd.h>

#include <cerrno>

#include "boxlite/agent/terminal.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {

InputSink::InputSink(Fd fd, kj::UnixEventPort& event_port, Kind kind) : kind_(kind) {
  open_.emplace(std::move(fd), event_port);
}

kj::Promise<void> InputSink::write(WriteContext context) {
  const auto bytes = context.getParams().getBytes();
  if (bytes.size() > 0) last_ = bytes.back();
  return Write(bytes).attach(kj::cp(context));
}

kj::Promise<void> InputSink::Write(kj::ArrayPtr<const kj::byte> bytes) {
  KJ_IF_MAYBE (open, open_) {
    while (bytes.size() > 0) {
      const ssize_t count = ::write(open->fd.get(), bytes.begin(), bytes.size());
      if (count > 0) {
        bytes = bytes.slice(static_cast<std::size_t>(count), bytes.size());
      } else if (count == 0 || errno == EAGAIN) {
        return open->observer.whenBecomesWritable().then([this, bytes]() { return Write(bytes); });
      } else if (errno != EINTR) {
        open_ = nullptr;  // EPIPE, EIO of a terminal: nobody reads
        break;
      }
    }
  }
  return kj::READY_NOW;
}

kj::Promise<void> InputSink::end(EndContext) {
  if (kind_ == Kind::kTerminal) {
    KJ_IF_MAYBE (open, open_) {
      // A carriage return is a line's end too: the Enter key sends it.
      end_ = EndOfInput(open->fd.get(), last_ != '\n' && last_ != '\r');
      return Write(AsBytes(end_)).then([this]() { open_ = nullptr; });
    }
  }
  open_ = nullptr;
  return kj::READY_NOW;
}

}  // namespace boxlite

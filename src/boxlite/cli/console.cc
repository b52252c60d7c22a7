#include "boxlite/cli/console.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "boxlite/base/files.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite::cli {

void Console::Print(std::string_view text) {
  if (!written_.ok()) return;
  written_ = WriteAll(out_fd_, text);
  if (!written_.ok()) reader_left_ = ReaderLeft(out_fd_);
}

void Console::Report(const Error& error) {
  const std::string line = "boxlite: error: " + PrintableText(error.message()) + " (" +
                           std::string(ErrorCodeName(error.code())) + ")\n";
  // There is nowhere to tell of an error stream that fails.
  static_cast<void>(WriteAll(err_fd_, line).ok());
}

void Console::Note(const std::string& text) {
  static_cast<void>(WriteAll(err_fd_, "boxlite: " + PrintableText(text) + "\n").ok());
}

int Console::Finish(int code) {
  if (written_.ok()) return code;
  if (reader_left_) return kExitReaderLeft;
  Report(Error(written_.error().code(), "write the answer: " + written_.error().message()));
  return kExitFailure;
}

bool ReaderLeft(int fd) {
  pollfd poller = {fd, POLLOUT, 0};
  return ::poll(&poller, 1, 0) == 1 && (poller.revents & (POLLERR | POLLHUP)) != 0;
}

bool IsOfReaderThatLeft(const Error& error, int fd) {
  // The code that EPIPE has (base/result.cc).
  return error.code() == ErrorCode::kUnavailable && ReaderLeft(fd);
}

void EnsureStandardDescriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // The lowest free number is this one. Inherited by no child of ours that is not given it.
    const int opened = ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
    if (opened >= 0 && opened != fd) ::close(opened);
  }
}

}  // namespace boxlite::cli

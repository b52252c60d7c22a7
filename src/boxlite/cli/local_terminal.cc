#include "boxlite/cli/local_terminal.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace boxlite::cli {
namespace {

bool SameModes(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_lflag == b.c_lflag &&
         a.c_cflag == b.c_cflag;
}

// Async-signal-safe calls only: the caller has just forked.
[[noreturn]] void Guard(int terminal, int life, const termios& before, const termios& raw) {
  ::setsid();
  // 0 and 1: what it needs. Nothing else of the caller's must live longer than the caller.
  if (::dup2(terminal, 0) < 0 || ::dup2(life, 1) < 0) ::_exit(1);
  if (::close_range(2, ~0U, 0) != 0) ::_exit(1);
  char byte = 0;
  ssize_t count = ::send(1, &byte, 1, MSG_NOSIGNAL);  // on guard
  do {
    count = ::read(1, &byte, 1);
  } while (count < 0 && errno == EINTR);
  termios now = {};
  if (count == 0 && ::tcgetattr(0, &now) == 0 && SameModes(now, raw)) {
    ::tcsetattr(0, TCSANOW, &before);
  }
  ::_exit(0);
}

}  // namespace

std::optional<TerminalSize> SizeOfTerminal(std::initializer_list<int> fds) {
  for (const int fd : fds) {
    winsize size = {};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 && size.ws_col != 0) {
      return TerminalSize{size.ws_row, size.ws_col};
    }
  }
  return std::nullopt;
}

Result<std::unique_ptr<LocalTerminal>> LocalTerminal::MakeRaw(int fd) {
  termios before = {};
  if (::tcgetattr(fd, &before) != 0) return ErrnoError("read the terminal's settings");
  termios raw = before;
  ::cfmakeraw(&raw);
  std::unique_ptr<LocalTerminal> terminal(new LocalTerminal(fd, before, raw));
  // First: there is no moment in which the terminal is raw and nobody would set it back.
  BOXLITE_RETURN_IF_ERROR(terminal->StartGuardian());
  // TCSADRAIN keeps what was typed ahead.
  if (::tcsetattr(fd, TCSADRAIN, &raw) != 0) return ErrnoError("make the terminal raw");
  return terminal;
}

Status LocalTerminal::StartGuardian() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoError("make a socket for the terminal's guardian");
  }
  Fd guardians(ends[0]);
  life_.Reset(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return ErrnoError("fork the terminal's guardian");
  if (pid == 0) Guard(fd_, guardians.get(), before_, raw_);
  guardian_ = pid;
  guardians.Reset();
  // Until it has left our group: what kills the whole group must not kill it.
  char byte = 0;
  ssize_t count = 0;
  do {
    count = ::read(life_.get(), &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count == 1) return {};
  return Error(ErrorCode::kResourceExhausted, "the terminal's guardian did not start");
}

void LocalTerminal::Pause() { ::tcsetattr(fd_, TCSADRAIN, &before_); }

void LocalTerminal::Resume() { ::tcsetattr(fd_, TCSADRAIN, &raw_); }

void LocalTerminal::Restore() {
  if (guardian_ == 0) return;
  Pause();
  static_cast<void>(::send(life_.get(), "", 1, MSG_NOSIGNAL));
  life_.Reset();
  while (::waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) {
  }
  guardian_ = 0;
}

}  // namespace boxlite::cli

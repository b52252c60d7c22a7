#include "boxlite/agent/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace boxlite {
namespace {

constexpr gid_t kTtyGroup = 5;  // on every Linux that has /etc/group; devpts is mounted with it
constexpr mode_t kTtyMode = 0620;
constexpr WindowSize kDefaultSize = {24, 80};
constexpr char kConsole[] = "/dev/console";
constexpr std::size_t kEnds = 2;  // master and slave

Error OpenError(const char* ptmx, int error_number) {
  if (error_number == ENOSPC || error_number == EMFILE || error_number == ENFILE) {
    return Error(ErrorCode::kResourceExhausted, "the box has no terminal left");
  }
  return ErrnoError(std::string("open ") + ptmx, error_number);
}

// Room for the two descriptors beside one byte: the kernel carries them with data only.
struct Message {
  char byte = 'T';
  iovec part = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(kEnds * sizeof(int))] = {};
  msghdr header = {};

  Message() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }
};

// A person's keyboard speaks UTF-8: without this, erasing a character that takes two bytes leaves
// half of it. The kernel's other settings are what programs expect.
Status SetUtf8(int fd) {
  termios settings = {};
  if (::tcgetattr(fd, &settings) != 0) return ErrnoError("read the terminal's settings");
  settings.c_iflag |= IUTF8;
  if (::tcsetattr(fd, TCSANOW, &settings) != 0) return ErrnoError("set the terminal up");
  return {};
}

}  // namespace

Result<Terminal> OpenTerminal(const char* ptmx, WindowSize size) {
  Terminal terminal;
  terminal.master.Reset(::open(ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!terminal.master.valid()) return OpenError(ptmx, errno);
  int locked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &locked) != 0) {
    return Error(ErrorCode::kCorrupt, std::string(ptmx) + " makes no terminals");
  }
  // By the master, not by a name: nobody can lay anything in its way.
  terminal.slave.Reset(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave.valid()) return OpenError("the terminal", errno);
  BOXLITE_RETURN_IF_ERROR(SetUtf8(terminal.slave.get()));
  BOXLITE_RETURN_IF_ERROR(SetWindowSize(terminal.master.get(), size));
  return terminal;
}

Status GiveTerminalTo(const Terminal& terminal, uid_t uid) {
  if (::fchown(terminal.slave.get(), uid, kTtyGroup) != 0 ||
      ::fchmod(terminal.slave.get(), kTtyMode) != 0) {
    return ErrnoError("give the terminal to its user");
  }
  return {};
}

void BindConsole(const Terminal& terminal) {
  unsigned number = 0;
  if (::ioctl(terminal.master.get(), TIOCGPTN, &number) != 0) return;
  const std::string path = "/dev/pts/" + std::to_string(number);
  Fd file(::open(kConsole, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return;
  static_cast<void>(!::mount(path.c_str(), kConsole, nullptr, MS_BIND, nullptr));
}

Status SendTerminal(int socket_fd, const Terminal& terminal) {
  Message message;
  cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(kEnds * sizeof(int));
  const int ends[kEnds] = {terminal.master.get(), terminal.slave.get()};
  std::memcpy(CMSG_DATA(rights), ends, sizeof ends);
  ssize_t sent;
  do {
    sent = ::sendmsg(socket_fd, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent != 1) return ErrnoError("hand over the terminal");
  return {};
}

Result<Terminal> ReceiveTerminal(int socket_fd) {
  Message message;
  ssize_t count;
  do {
    count = ::recvmsg(socket_fd, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  const cmsghdr* rights = count == 1 ? CMSG_FIRSTHDR(&message.header) : nullptr;
  if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS ||
      rights->cmsg_len != CMSG_LEN(kEnds * sizeof(int))) {
    return Error(ErrorCode::kInternal, "the program was started without its terminal");
  }
  int ends[kEnds];
  std::memcpy(ends, CMSG_DATA(rights), sizeof ends);
  Terminal terminal;
  terminal.master.Reset(ends[0]);
  terminal.slave.Reset(ends[1]);
  return terminal;
}

Status SetWindowSize(int terminal_fd, WindowSize size) {
  winsize window = {};
  window.ws_row = size.rows != 0 ? size.rows : kDefaultSize.rows;
  window.ws_col = size.columns != 0 ? size.columns : kDefaultSize.columns;
  if (::ioctl(terminal_fd, TIOCSWINSZ, &window) != 0) return ErrnoError("size the terminal");
  return {};
}

std::string EndOfInput(int terminal_fd, bool line_has_begun) {
  termios settings = {};
  if (::tcgetattr(terminal_fd, &settings) != 0) return "";
  const auto end = static_cast<char>(settings.c_cc[VEOF]);
  if (end == _POSIX_VDISABLE) return "";
  const bool lines = (settings.c_lflag & ICANON) != 0;
  return std::string(lines && line_has_begun ? 2 : 1, end);
}

}  // namespace boxlite

#include "integration/terminal_session.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "boxlite/base/files.h"

namespace boxlite::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPatienceMs = 180'000;  // a cold boot on a machine that is not free
constexpr int kModesPatienceMs = 10'000;

int ShellCode(int status) {
  if (WIFSTOPPED(status)) return 256 + WSTOPSIG(status);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool Same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_lflag == b.c_lflag;
}

template <typename Predicate>
bool Await(Predicate predicate) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(kModesPatienceMs);
  while (!predicate()) {
    if (Clock::now() > deadline) return false;
    ::usleep(10'000);  // a terminal's modes are no event
  }
  return true;
}

}  // namespace

TerminalSession::TerminalSession(std::vector<std::string> argv, TerminalSize size) {
  int master = -1;
  int slave = -1;
  const winsize window = {size.rows, size.columns, 0, 0};
  BOXLITE_CHECK(::openpty(&master, &slave, nullptr, nullptr, &window) == 0);
  master_.Reset(master);
  slave_.Reset(slave);
  before_ = Modes();
  FdPair report = std::move(*MakePipe());
  FdPair leash = std::move(*MakePipe());
  leader_ = ::fork();
  if (leader_ == 0) {
    leash.second.Reset();
    Lead(argv, slave, report.second.get(), leash.first.get());
  }
  report_ = std::move(report.first);
  leash_ = std::move(leash.second);
  BOXLITE_CHECK(::read(report_.get(), &job_, sizeof job_) == sizeof job_);
}

// The shell's part. After a fork: system calls only, as far as it matters here.
void TerminalSession::Lead(const std::vector<std::string>& argv, int slave, int report,
                           int leash) const {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // with a test that is killed all of this goes
  ::setsid();
  ::ioctl(slave, TIOCSCTTY, 0);
  ::signal(SIGTTOU, SIG_IGN);
  const pid_t job = ::fork();
  if (job == 0) {
    ::setpgid(0, 0);
    ::tcsetpgrp(slave, ::getpid());
    ::signal(SIGTTOU, SIG_DFL);
    for (int fd = 0; fd <= 2; ++fd) ::dup2(slave, fd);
    ::close_range(3, ~0U, 0);
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  // By both, as shells do: a key must not find the leader in the foreground.
  ::setpgid(job, job);
  ::tcsetpgrp(slave, job);
  static_cast<void>(!::write(report, &job, sizeof job));
  for (;;) {
    int status = 0;
    if (::waitpid(job, &status, WUNTRACED) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (!WIFSTOPPED(status)) ::tcsetpgrp(slave, ::getpgrp());
    static_cast<void>(!::write(report, &status, sizeof status));
  }
  // With its leader the terminal would go.
  char byte = 0;
  static_cast<void>(!::read(leash, &byte, 1));
  ::_exit(0);
}

TerminalSession::~TerminalSession() {
  // The leader has not reaped it, or it is gone and the leader has: then the number may be
  // another's.
  int status = 0;
  pollfd poller = {report_.get(), POLLIN, 0};
  bool ended = false;
  while (::poll(&poller, 1, 0) == 1 &&
         ::read(report_.get(), &status, sizeof status) == sizeof status) {
    ended = !WIFSTOPPED(status);
  }
  if (!ended && job_ > 0) ::kill(job_, SIGKILL);
  leash_.Reset();
  while (::waitpid(leader_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void TerminalSession::Type(const std::string& keys) const {
  EXPECT_TRUE(WriteAll(master_.get(), keys).ok());
}

void TerminalSession::Resize(TerminalSize size) const {
  const winsize window = {size.rows, size.columns, 0, 0};
  EXPECT_EQ(::ioctl(master_.get(), TIOCSWINSZ, &window), 0);
}

bool TerminalSession::ReadMore(int patience_ms) {
  pollfd poller = {master_.get(), POLLIN, 0};
  if (patience_ms <= 0 || ::poll(&poller, 1, patience_ms) <= 0) return false;
  char buffer[4096];
  const ssize_t count = ::read(master_.get(), buffer, sizeof buffer);
  if (count > 0) text_.append(buffer, static_cast<std::size_t>(count));
  return count > 0;
}

std::string TerminalSession::ReadUntil(const std::string& text) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(kPatienceMs);
  std::size_t place = 0;
  while ((place = text_.find(text)) == std::string::npos) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (!ReadMore(static_cast<int>(left))) {
      ADD_FAILURE() << "never saw \"" << text << "\", only: " << text_;
      return "";
    }
  }
  const std::string read = text_.substr(0, place + text.size());
  text_.erase(0, read.size());
  return read;
}

int TerminalSession::AwaitChange() {
  const auto deadline = Clock::now() + std::chrono::milliseconds(kPatienceMs);
  pollfd pollers[] = {{report_.get(), POLLIN, 0}, {master_.get(), POLLIN, 0}};
  while (Clock::now() < deadline) {
    if (::poll(pollers, 2, 1000) <= 0) continue;
    if ((pollers[1].revents & POLLIN) != 0) ReadMore(1);
    if ((pollers[0].revents & POLLIN) == 0) continue;
    int status = 0;
    EXPECT_EQ(::read(report_.get(), &status, sizeof status), static_cast<ssize_t>(sizeof status));
    if (!WIFSTOPPED(status)) job_ = 0;
    return ShellCode(status);
  }
  ADD_FAILURE() << "the program neither ended nor stopped; it said: " << text_;
  return -1;
}

termios TerminalSession::Modes() const {
  termios modes = {};
  EXPECT_EQ(::tcgetattr(slave_.get(), &modes), 0);
  return modes;
}

bool TerminalSession::IsRaw() const { return (Modes().c_lflag & (ICANON | ECHO | ISIG)) == 0; }

bool TerminalSession::AwaitRaw() const {
  return Await([this] { return IsRaw(); });
}

bool TerminalSession::AwaitModesAsBefore() const {
  return Await([this] { return Same(Modes(), before_); });
}

}  // namespace boxlite::testing

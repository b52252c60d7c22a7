#include "boxlite/cli/local_terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "boxlite/base/testing.h"

namespace boxlite::cli {
namespace {

class LocalTerminalTest : public testing::Test {
 protected:
  void SetUp() override {
    int master = -1;
    int slave = -1;
    ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    master_.Reset(master);
    slave_.Reset(slave);
    before_ = Modes();
    // Guardians whose client was killed become ours: their end can be waited for.
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  }
  void TearDown() override {
    leash_.second.Reset();
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  termios Modes() const {
    termios modes = {};
    EXPECT_EQ(::tcgetattr(slave_.get(), &modes), 0);
    return modes;
  }
  static bool IsRaw(const termios& modes) {
    return (modes.c_lflag & (ICANON | ECHO | ISIG)) == 0 && (modes.c_oflag & OPOST) == 0;
  }
  bool IsAsBefore() const {
    const termios now = Modes();
    return now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag &&
           now.c_lflag == before_.c_lflag && now.c_cflag == before_.c_cflag;
  }

  // As a shell with a command in the foreground: a session of the terminal's own, and in it a group
  // whose only process makes the terminal raw. Returns that process, when the terminal is raw. The
  // shell stays until leash_ ends: with it the terminal would go.
  pid_t StartClient() {
    leash_ = std::move(*MakePipe());
    FdPair ready = std::move(*MakePipe());
    shell_ = ::fork();
    if (shell_ == 0) BeShell(ready.second.get());
    ready.second.Reset();
    pid_t client = 0;
    EXPECT_EQ(::read(ready.first.get(), &client, sizeof client),
              static_cast<ssize_t>(sizeof client));
    EXPECT_TRUE(IsRaw(Modes()));
    return client;
  }

  // Until all but the shell have ended.
  void AwaitGuardian() const {
    for (;;) {
      const pid_t ended = ::waitpid(-1, nullptr, 0);
      ASSERT_GT(ended, 0);
      if (ended != shell_) return;
    }
  }

  Fd master_;
  Fd slave_;
  termios before_ = {};
  FdPair leash_;
  pid_t shell_ = 0;

 private:
  [[noreturn]] void BeShell(int ready) {
    leash_.second.Reset();
    ::setsid();
    ::ioctl(slave_.get(), TIOCSCTTY, 0);
    ::signal(SIGTTOU, SIG_IGN);
    const pid_t client = ::fork();
    if (client == 0) BeClient(ready);
    ::setpgid(client, client);
    ::close(ready);
    char byte = 0;
    static_cast<void>(!::read(leash_.first.get(), &byte, 1));
    ::kill(client, SIGKILL);
    ::waitpid(client, nullptr, 0);
    ::_exit(0);
  }
  [[noreturn]] void BeClient(int ready) {
    ::setpgid(0, 0);
    ::tcsetpgrp(slave_.get(), ::getpid());
    ::signal(SIGTTOU, SIG_DFL);
    auto raw = LocalTerminal::MakeRaw(slave_.get());
    const pid_t self = raw.ok() ? ::getpid() : 0;
    static_cast<void>(!::write(ready, &self, sizeof self));
    for (;;) ::pause();
  }
};

TEST_F(LocalTerminalTest, IsRawWhileItLivesAndThenAsBefore) {
  {
    Result<std::unique_ptr<LocalTerminal>> terminal = LocalTerminal::MakeRaw(slave_.get());
    ASSERT_THAT(terminal, IsOk());
    EXPECT_TRUE(IsRaw(Modes()));
    (*terminal)->Pause();
    EXPECT_TRUE(IsAsBefore());
    (*terminal)->Resume();
    EXPECT_TRUE(IsRaw(Modes()));
  }
  EXPECT_TRUE(IsAsBefore());
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "its guardian was reaped";
}

TEST_F(LocalTerminalTest, KeepsWhatWasTypedAhead) {
  ASSERT_EQ(::write(master_.get(), "ls\n", 3), 3);
  Result<std::unique_ptr<LocalTerminal>> terminal = LocalTerminal::MakeRaw(slave_.get());
  ASSERT_THAT(terminal, IsOk());
  char typed[8];
  EXPECT_EQ(::read(slave_.get(), typed, sizeof typed), 3);
}

TEST_F(LocalTerminalTest, IsAsBeforeAfterItsWholeGroupWasKilled) {
  const pid_t client = StartClient();
  ASSERT_EQ(::kill(-client, SIGKILL), 0);
  ASSERT_NO_FATAL_FAILURE(AwaitGuardian());
  EXPECT_TRUE(IsAsBefore());
}

TEST_F(LocalTerminalTest, WhatAShellHasSetSinceIsLeftAlone) {
  const pid_t client = StartClient();
  termios shells = before_;
  shells.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ASSERT_EQ(::tcsetattr(slave_.get(), TCSANOW, &shells), 0);
  ASSERT_EQ(::kill(client, SIGKILL), 0);
  ASSERT_NO_FATAL_FAILURE(AwaitGuardian());
  EXPECT_EQ(Modes().c_lflag, shells.c_lflag);
}

TEST_F(LocalTerminalTest, ItsGuardianHoldsNothingElseOfItsProcess) {
  FdPair pipe = std::move(*MakePipe());
  ASSERT_EQ(::fcntl(pipe.second.get(), F_SETFD, 0), 0);
  Result<std::unique_ptr<LocalTerminal>> terminal = LocalTerminal::MakeRaw(slave_.get());
  ASSERT_THAT(terminal, IsOk());
  pipe.second.Reset();
  pollfd poller = {pipe.first.get(), POLLIN, 0};
  // The guardian closes as its first act; the wait is for a machine that is busy.
  EXPECT_EQ(::poll(&poller, 1, 10'000), 1) << "a pipeline would wait for the guardian";
  EXPECT_NE(poller.revents & POLLHUP, 0);
}

TEST_F(LocalTerminalTest, WhatIsNoTerminalIsAnError) {
  FdPair pipe = std::move(*MakePipe());
  EXPECT_FALSE(LocalTerminal::MakeRaw(pipe.first.get()).ok());
}

TEST_F(LocalTerminalTest, TheSizeIsOfTheFirstThatKnowsIt) {
  FdPair pipe = std::move(*MakePipe());
  EXPECT_EQ(SizeOfTerminal({pipe.first.get()}), std::nullopt);
  EXPECT_EQ(SizeOfTerminal({slave_.get()}), std::nullopt) << "0 x 0 is no size";
  const winsize size = {.ws_row = 40, .ws_col = 132, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(master_.get(), TIOCSWINSZ, &size), 0);
  EXPECT_EQ(SizeOfTerminal({pipe.first.get(), slave_.get()}), (TerminalSize{40, 132}));
}

}  // namespace
}  // namespace boxlite::cli

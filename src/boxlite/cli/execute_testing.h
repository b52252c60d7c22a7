// The fixture, and a console, of the tests of what verbs do with a runtime's answers.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "boxlite/cli/captured_console.h"
#include "boxlite/cli/fake_runtime.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {

// A Console whose reader has left, and what is then said on stderr.
class DeafConsole {
 public:
  DeafConsole() : err_(::memfd_create("err", MFD_CLOEXEC)) {
    Result<FdPair> pipe = MakePipe();
    out_ = std::move(pipe->second);  // the read end closes here
    console_ = Console(out_.get(), err_.get());
  }
  Console& console() { return console_; }
  off_t said() const { return ::lseek(err_.get(), 0, SEEK_END); }

 private:
  Fd out_;
  Fd err_;
  Console console_;
};

class Execute : public testing::Test {
 protected:
  Execute()
      : fake_(new FakeRuntime), session_(captured_.console(), std::unique_ptr<Runtime>(fake_)) {}

  // run blocks the signals that it forwards: later tests get them back.
  void SetUp() override { ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_); }
  void TearDown() override { ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

  int Do(std::vector<std::string> words) {
    const Subcommand* subcommand = FindSubcommand(words.at(0));
    words.erase(words.begin());
    Result<Arguments> arguments = Arguments::Parse(subcommand->syntax, words);
    EXPECT_TRUE(arguments.ok()) << arguments.error().message();
    Result<Action> action = subcommand->prepare(*arguments);
    EXPECT_TRUE(action.ok()) << action.error().message();
    return captured_.console().Finish((*action)(session_));
  }

  CapturedConsole captured_;
  FakeRuntime* fake_;
  Session session_;
  sigset_t mask_ = {};
};

}  // namespace boxlite::cli

// CliRunner: the built `boxlite` in a home of the test's own, each call a fresh process, as a user
// has it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/process_identity.h"
#include "boxlite/base/result.h"

namespace boxlite::testing {

struct CliResult {
  int code = -1;  // a shell's: 128 + the signal's number for a signal
  std::string out;
  std::string err;
};

// A `boxlite` that runs. Destroying it kills and reaps it.
class RunningCli {
 public:
  RunningCli(pid_t pid, ProcessHandle handle, Fd out, Fd err, Fd in)
      : pid_(pid),
        handle_(std::move(handle)),
        out_(std::move(out)),
        err_(std::move(err)),
        in_(std::move(in)) {}
  RunningCli(RunningCli&& other) noexcept;
  RunningCli(const RunningCli&) = delete;
  ~RunningCli();

  pid_t pid() const { return pid_; }
  void Signal(int number) { EXPECT_TRUE(handle_.Signal(number).ok()); }
  Fd& in() { return in_; }
  void CloseOutput() { out_.Reset(); }  // as `| head` does
  // Reads stdout until `text` has come, at most a minute. Fails the test otherwise.
  std::string ReadUntil(const std::string& text);
  // Waits for its end, taking the rest of its output.
  CliResult Finish();

 private:
  pid_t pid_;
  ProcessHandle handle_;
  Fd out_;
  Fd err_;
  Fd in_;
  std::string read_;
};

// A home that is made for one test and removed, with everything that lives in it, at its end.
class CliTest : public ::testing::Test {
 protected:
  void SetUp() override { UseHome("home"); }
  void TearDown() override;

  // Below the test's directory; any bytes.
  void UseHome(const std::string& name);
  const std::string& home() const { return home_; }

  RunningCli Launch(std::vector<std::string> args, std::vector<std::string> env = {});
  CliResult Run(std::vector<std::string> args, const std::string& input = "");
  // Run(), and the test fails unless the code is 0. Returns stdout without its last newline.
  std::string Ok(std::vector<std::string> args, const std::string& input = "");

  std::string StateOf(const std::string& box) { return Inspect(box, "{{.State.Status}}"); }
  std::string Inspect(const std::string& box, const std::string& format) {
    return Ok({"inspect", "-f", format, box});
  }
  // boxes/<id>
  std::string BoxDir(const std::string& id) const { return home_ + "/boxes/" + id; }

 private:
  std::string root_;
  std::string home_;
};

}  // namespace boxlite::testing

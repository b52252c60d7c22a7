// TestHome: a home of a test's own with the fake engine in QEMU's place, and what is done to it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testing/tool_process.h"
#include "testing/walk.h"

namespace boxlite::testing {

using Json = nlohmann::json;
using std::chrono::milliseconds;

struct ProcessRef {
  pid_t pid = 0;
  std::uint64_t ticks = 0;
  bool alive() const;
  bool Signal(int number) const { return SignalProcess(pid, ticks, number); }
  bool AwaitEnd(int patience_ms = 5000) const { return AwaitProcessEnd(pid, ticks, patience_ms); }
};

class TestHome {
 public:
  // `suffix` is appended to the home's path: odd bytes, great length.
  explicit TestHome(const std::string& suffix = "home");
  ~TestHome();  // fails the test when anything is left, and then ends it
  TestHome(const TestHome&) = delete;
  TestHome& operator=(const TestHome&) = delete;

  const std::string& root() const { return root_; }
  const std::string& path() const { return path_; }
  const std::string& libexec() const { return libexec_; }
  std::string box(const std::string& id) const { return path_ + "/boxes/" + id; }

  // Variables of the tools started from now on.
  void Set(const std::string& name, const std::string& value);

  // Each in a fresh process.
  Answer Run(const std::vector<std::string>& words, milliseconds wait = std::chrono::seconds(120));
  // Any program with the home's environment: its exit status as a shell shows it; -1: it hung.
  int RunProgram(const std::vector<std::string>& argv, milliseconds wait);
  ToolProcess Begin(const std::vector<std::string>& words, int inherited_fd = -1);

  // A new box with this command. Fails the test when it cannot be made.
  std::string Create(const std::vector<std::string>& argv = {"sleep-forever"}, Json more = {});
  // A new box that runs.
  std::string Start(const std::vector<std::string>& argv = {"sleep-forever"}, Json more = {});
  // fake.json of a box: what its engine does wrong.
  void Script(const std::string& id, const std::string& faults_json);

  std::string State(const std::string& id);  // by `ls`
  Json Look(const std::string& id);          // the box's entry in `ls`
  std::string Logs(const std::string& id);

  // Read by the test itself.
  Json Record(const std::string& id) const;  // of the newest life; null: none or damaged
  std::string LifeDir(const std::string& id) const;
  ProcessRef Shim(const std::string& id) const;
  ProcessRef Engine(const std::string& id) const;
  std::vector<std::string> EngineLog(const std::string& id) const;
  int EngineStarts(const std::string& id) const;
  Json Disk(const std::string& id) const;

  // Waits, driven by inotify, until engine.log has a line that begins with `line`, `count` times.
  bool AwaitEngine(const std::string& id, const std::string& line, int count = 1,
                   int patience_ms = 20000) const;
  // The same for the shim.log of the newest life.
  bool AwaitShimLog(const std::string& id, const std::string& line, int count,
                    int patience_ms = 20000) const;

 private:
  std::string root_;
  std::string path_;
  std::string libexec_;
  std::vector<std::pair<std::string, std::string>> environment_;
};

std::string ReadWhole(const std::string& path);
void WriteWhole(const std::string& path, const std::string& content);

// EXPECT_THAT-free checks that print the whole answer.
::testing::AssertionResult IsOk(const Answer& answer);
::testing::AssertionResult HasCode(const Answer& answer, const std::string& code);

// A process of the test's that nobody may signal.
class Innocent {
 public:
  Innocent();
  ~Innocent();
  Innocent(const Innocent&) = delete;
  Innocent& operator=(const Innocent&) = delete;
  const ProcessRef& ref() const { return ref_; }
  bool Unharmed() const;  // alive and not stopped

 private:
  ProcessRef ref_;
};

}  // namespace boxlite::testing

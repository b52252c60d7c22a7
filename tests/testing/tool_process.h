// ToolProcess: one fresh process of lifecycle_tool, started, watched and killed through its pidfd.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "boxlite/base/fd.h"

namespace boxlite::testing {

// What one call of the tool gave.
struct Answer {
  bool exited = false;  // false: it did not end in time and was killed
  bool ok = false;
  std::string code;  // "wrong_state", ...; "crashed" when the tool ended by a signal
  std::string message;
  nlohmann::json json;
  std::string output;  // everything before the line of JSON
  std::chrono::milliseconds took{0};

  int shell() const { return json.contains("exit") ? json["exit"]["shell"].get<int>() : -1; }
  std::string text() const { return json.dump(); }
};

struct ToolOptions {
  std::vector<std::pair<std::string, std::string>> environment;  // over the test's
  int inherited_fd = -1;                                         // becomes 10
};

class ToolProcess {
 public:
  ToolProcess(const std::vector<std::string>& words, ToolOptions options);
  ToolProcess(ToolProcess&&) = default;
  ToolProcess& operator=(ToolProcess&&) = delete;
  ~ToolProcess();  // kills and reaps

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  void Signal(int number);  // by pidfd
  void KillAndReap();
  void EndInput() { input_.Reset(); }
  void Send(const std::string& text);
  // The next line that it prints, without the line's end. nullopt: it ended or `wait` was over.
  std::optional<std::string> ReadLine(std::chrono::milliseconds wait);
  // The end of it. After `wait` it is killed.
  Answer Finish(std::chrono::milliseconds wait = std::chrono::seconds(120));

 private:
  bool ReadMore(std::chrono::steady_clock::time_point deadline);

  pid_t pid_ = 0;
  Fd pidfd_;
  Fd input_;
  Fd output_;
  std::string text_;
  bool reaped_ = false;
  int status_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace boxlite::testing

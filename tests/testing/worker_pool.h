// WorkerPool: processes of lifecycle_tool that wait at one gate and go through it together.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "testing/test_home.h"

namespace boxlite::testing {

class WorkerPool {
 public:
  WorkerPool(TestHome& home, int size);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Gives every worker its command; all begin at once when Release() is called.
  void Give(const std::vector<std::vector<std::string>>& commands);
  void GiveAll(const std::vector<std::string>& command);
  void Release();
  // Of all, in order. An answer that does not come within `wait` is {exited: false}.
  std::vector<Answer> Collect(milliseconds wait = std::chrono::seconds(120));
  std::vector<Answer> Round(const std::vector<std::vector<std::string>>& commands) {
    Give(commands);
    Release();
    return Collect();
  }

  ToolProcess& worker(std::size_t i) { return workers_[i]; }
  std::size_t size() const { return workers_.size(); }
  bool Has(pid_t pid) const;

 private:
  Fd memory_;
  std::atomic<std::uint32_t>* gate_ = nullptr;
  std::vector<ToolProcess> workers_;
};

}  // namespace boxlite::testing

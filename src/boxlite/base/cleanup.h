// Cleanup: runs a function at the end of a scope unless it was cancelled.
#pragma once

#include <utility>

namespace boxlite {

template <typename Function>
class [[nodiscard]] Cleanup {
 public:
  explicit Cleanup(Function function) : function_(std::move(function)) {}
  Cleanup(const Cleanup&) = delete;
  Cleanup& operator=(const Cleanup&) = delete;
  ~Cleanup() {
    if (armed_) function_();
  }
  void Cancel() { armed_ = false; }

 private:
  Function function_;
  bool armed_ = true;
};

}  // namespace boxlite

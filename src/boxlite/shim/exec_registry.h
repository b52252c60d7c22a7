// ExecRegistry: the execs of one life, those that run and those that are kept after their end;
// their timeouts, and the bounds of what is kept.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <chrono>
#include <string>
#include <vector>

#include "boxlite/shim/exec.h"

namespace boxlite {

// Between a timeout's SIGTERM to the process group and the SIGKILL to all that the exec has
// started.
inline constexpr std::chrono::milliseconds kTimeoutGrace{2'000};

// What is kept, of execs that nobody holds; changed by tests only.
struct ExecLimits {
  std::size_t finished = 64;                // the last ones
  kj::Duration kept_for = 5 * kj::MINUTES;  // after their end
  // The memory of all rings together. Beyond it the oldest output goes, of finished execs first. A
  // stream may pass it by one chunk, since a reader that has everything must get more.
  std::size_t kept_bytes = std::size_t{64} * 1024 * 1024;
  std::size_t ring_bytes = kExecRingBytes;
};

class ExecRegistry final : private kj::TaskSet::ErrorHandler {
 public:
  explicit ExecRegistry(kj::Timer& timer, ExecLimits limits = {});

  // Unique in this life, and a valid name of a control group.
  std::string NextId() { return "exec-" + std::to_string(++count_); }
  // Not listed yet: it may turn out not to start.
  kj::Own<Exec> Prepare(ExecFacts facts);
  // It was executed, after Starting(): listed and watched from now on. A timeout of 0: none.
  void Run(kj::Own<Exec> exec, std::chrono::milliseconds timeout);

  kj::Maybe<Exec&> Find(kj::StringPtr id);
  std::vector<kj::Own<Exec>>& all() { return execs_; }  // oldest first
  std::size_t kept_bytes() const { return kept_.used(); }

  void HoldWasDropped() { Sweep(); }

 private:
  // Survivors of a leader that ended before its timeout live until then; after it nothing of the
  // exec does.
  kj::Promise<void> Enforce(kj::Own<Exec> exec, wire::Process::Client process,
                            std::chrono::milliseconds timeout);
  void Sweep();  // forgets what is beyond the limits, and arms the timer for the next one
  void Forget(std::size_t index);
  void MakeRoom();
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  ExecLimits limits_;
  KeptBytes kept_;
  unsigned count_ = 0;
  struct End {
    const Exec* exec;
    kj::TimePoint at;
  };
  std::vector<kj::Own<Exec>> execs_;
  std::vector<End> ends_;  // of those in execs_, in their order
  kj::Promise<void> next_sweep_ = kj::READY_NOW;
  kj::TaskSet tasks_;
};

}  // namespace boxlite

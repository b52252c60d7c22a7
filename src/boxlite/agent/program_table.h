// All programs that the agent has started, and the reaping that comes with being pid 1.
#pragma once

#include <kj/async-unix.h>

#include <map>
#include <vector>

#include "boxlite/agent/program.h"

namespace boxlite {

// More at once are refused: each costs the agent memory and descriptors that the box should not be
// able to take.
inline constexpr std::size_t kMaxPrograms = 1000;

class ProgramTable {
 public:
  // SIGCHLD must have been captured before the event port was made.
  explicit ProgramTable(kj::UnixEventPort& event_port);

  // kResourceExhausted at kMaxPrograms, kAlreadyExists for an id in use.
  Status CheckRoomFor(const std::string& id);
  void Add(const std::string& id, kj::Own<Program> program);

  // Resolves when no program that was added is alive.
  kj::Promise<void> WhenAllEnded();
  bool any_alive() const;

 private:
  kj::Promise<void> ReapForEver();
  void Reap();
  void ForgetFinished();

  kj::UnixEventPort& event_port_;
  std::map<std::string, kj::Own<Program>> programs_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
  kj::Promise<void> reaping_;
};

}  // namespace boxlite

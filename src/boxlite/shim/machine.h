// Machine: one started VM with its agent, from the engine's start to its end. The steps of a start
// and of a stop that concern the guest; what they mean for the life is Shim's affair.
#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/runtime/box_state.h"
#include "boxlite/runtime/main_log.h"
#include "boxlite/runtime/program_io.h"
#include "boxlite/runtime/shim_birth.h"
#include "boxlite/shim/guest_link.h"
#include "boxlite/vmm/vmm.h"

namespace boxlite {

// A typed Error crossing kj's promises: thrown by steps, taken out again by Shim.
kj::Exception AsException(const Error& error);
Error FromStep(const kj::Exception& exception);  // the Error inside, or rpc/error_mapping's

// What a stop had to do by force, in words; and whether all writes are known to be on the disk.
struct EndFacts {
  bool flushed = false;
  std::string forced;
};

class Machine {
 public:
  Machine(kj::Own<LiveVm> vm, kj::Timer& timer) : vm_(kj::mv(vm)), timer_(timer) {}

  LiveVm& vm() { return *vm_; }

  // The handshake. The caller races it against the machine's end and a deadline.
  kj::Promise<void> Greet();
  // Entropy, clock, names; rejects (kUnavailable) unless the agent proves that it applied them.
  kj::Promise<void> Personalise(const ShimBirth& birth);
  kj::Promise<void> MountRoot();

  // Starts a program. `role` main or exec; see schema/agent.capnp for the errors.
  struct Program {
    wire::Agent::Role role;
    std::string id;
    std::vector<std::string> argv;
    std::vector<std::string> env;
    std::string working_dir;
    std::string user;
    std::optional<TerminalSize> terminal;  // with one, all output goes to the stdout sink
  };
  struct Starting {
    // May be asked at once: calls wait in the guest until the program was executed, and fail when
    // it was not. One message less for the guest to wake up for.
    wire::Process::Client process;
    kj::Promise<void> executed;  // or why not
  };
  Starting StartProgram(const Program& program, wire::ByteSink::Client stdout_sink,
                        wire::ByteSink::Client stderr_sink);

  // For calls that need nothing of the machine's own. Only after Greet().
  wire::Agent::Client& agent();

  // Agent shutdown, power-off, engine quit, kill: each within its budget, the next when it fails.
  // Resolves when the process is gone.
  kj::Promise<EndFacts> End();

 private:
  kj::Promise<void> AskShutdown(EndFacts& facts);
  kj::Promise<bool> EndsWithin(kj::Duration wait);
  // What the engine has written so far; 0 when it does not say so within a step's time.
  kj::Promise<std::uint64_t> WrittenSoFar();
  // Rejects after the flush budget; later while the engine's written bytes grow, up to the ceiling.
  kj::Promise<void> FlushDeadline();
  kj::Promise<void> WatchProgress(std::uint64_t written_before, kj::TimePoint ceiling);

  kj::Own<LiveVm> vm_;
  kj::Timer& timer_;
  kj::Maybe<kj::Own<GuestLink>> link_;
};

inline kj::Duration AsDuration(std::chrono::milliseconds time) {
  return time.count() * kj::MILLISECONDS;
}

}  // namespace boxlite

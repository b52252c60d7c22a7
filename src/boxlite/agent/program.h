// Program: one started program of the box, from its clone to the delivery of its last byte of
// output.
#pragma once

#include <kj/async-io.h>
#include <kj/refcount.h>
#include <kj/timer.h>
#include <sys/wait.h>

#include <chrono>
#include <optional>

#include "agent.capnp.h"
#include "boxlite/agent/cgroup.h"
#include "boxlite/agent/input_sink.h"
#include "boxlite/agent/output_pump.h"
#include "boxlite/agent/program_spawn.h"
#include "boxlite/agent/terminal.h"
#include "boxlite/base/result.h"

namespace boxlite {

// After a program has ended, how long its children that keep its pipes open may hold back wait().
// What the program itself wrote is delivered however long that takes.
inline constexpr std::chrono::milliseconds kDrainLimit{2'000};

struct ProgramExit {
  bool by_signal = false;
  std::uint8_t number = 0;  // the code, or the signal
};

class Program : public kj::Refcounted {
 public:
  Program(SpawnedProgram spawned, Cgroup cgroup, kj::UnixEventPort& event_port, kj::Timer& timer);

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  bool ended() const { return exit_ != nullptr; }

  // Resolves when the program has been executed, or could not be (the typed error). Once.
  kj::Promise<Status> WhenExecuted();
  // Begins to carry its output; of a terminal all goes to `output`, and `errors` ends at once.
  // Once, after it has been executed.
  void Connect(wire::ByteSink::Client output, wire::ByteSink::Client errors);

  // Tells it how it ended: by whoever reaped it, once.
  void Ended(const siginfo_t& info);
  // Resolves when it has ended and its output was delivered. Any number of times.
  kj::Promise<ProgramExit> Wait();

  // kWrongState when it has ended, kInvalidArgument for no signal.
  enum class Whom { kProgram, kGroup };
  Status Signal(int number, Whom whom);
  void Kill();
  // Of its terminal. kWrongState without one, or when it has ended.
  Status Resize(WindowSize size);

  wire::ByteSink::Client input() { return input_; }  // null before it has been executed
  // True when nothing of it is left: it has ended, its pipes too, and its control group was
  // removed.
  bool TryForget();

 private:
  kj::Promise<void> ReadFailure();
  Status TakeStreams();
  kj::Promise<void> WhenOutputEnds();
  kj::Promise<void> Drain();

  const pid_t pid_;
  Fd pidfd_;
  Cgroup cgroup_;
  kj::UnixEventPort& event_port_;
  kj::Timer& timer_;
  wire::ByteSink::Client input_ = nullptr;
  Fd input_fd_;
  Fd output_fd_;
  Fd errors_fd_;
  Fd terminal_fd_;  // what the terminal comes through
  Fd failure_fd_;
  // The slave is held while the program lives: one that closes its terminal may open /dev/tty again
  // and goes on being heard.
  std::optional<Terminal> terminal_;
  std::string failure_;
  kj::Own<kj::UnixEventPort::FdObserver> failure_observer_;
  kj::Maybe<ProgramExit> exit_;
  kj::Maybe<kj::Own<OutputPump>> output_;
  kj::Maybe<kj::Own<OutputPump>> errors_;  // none with a terminal
  bool output_open_ = false;               // somebody may still write
  kj::Promise<void> output_end_ = kj::READY_NOW;
  kj::Promise<void> errors_end_ = kj::READY_NOW;
  kj::Own<kj::PromiseFulfiller<void>> end_;
  kj::ForkedPromise<void> finished_;  // last: ends first
};

// The capability for one program.
wire::Process::Client NewProcessService(kj::Own<Program> program);

}  // namespace boxlite

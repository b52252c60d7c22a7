// Shim: one life of one box, from the locks to the outcome. It owns the machine, main's log and the
// evidence; clients come and go on its socket.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <memory>
#include <optional>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/life.h"
#include "boxlite/runtime/shim_birth.h"
#include "boxlite/shim/box_socket.h"
#include "boxlite/shim/box_watch.h"
#include "boxlite/shim/exec_registry.h"
#include "boxlite/shim/log_gate.h"
#include "boxlite/shim/machine.h"
#include "shim.capnp.h"

namespace boxlite {

// What the shim was born with; see runtime/shim_birth.h.
struct ShimInheritance {
  Home home;
  Fd box;
  Fd report;
  Fd verb_lock;
  Fd life;
  Fd base;
  Fd keepalive;  // attached lives only
  Fd creator;    // attached lives only
  Fd reader;     // with reader_comes only
};

class Shim final : private kj::TaskSet::ErrorHandler {
 public:
  Shim(kj::AsyncIoContext& io, ShimBirth birth, ShimInheritance inheritance);
  ~Shim() noexcept(false);

  // The whole life. Resolves when everything of the box but this process is gone and the outcome is
  // written; the process then only has to exit. Never rejects.
  kj::Promise<void> Run();

  // For the service.
  const ShimBirth& birth() const { return birth_; }
  std::string_view phase() const;
  kj::Promise<void> WhenStarted() {
    return started_.addBranch();
  }  // rejects: why it could not start
  // Main's exit once it is durable. Rejects when the life ends without one.
  kj::Promise<MainExit> WhenMainExited() { return main_exited_.addBranch(); }
  Machine& machine() { return *machine_; }
  bool accepts_programs() const { return main_.has_value() && !stop_requested_; }
  wire::Process::Client main();
  ExecRegistry& execs() { return *execs_; }
  LogGate& gate() { return *gate_; }
  std::uint64_t log_end() const { return log_->end(); }
  void RequestStop(std::chrono::milliseconds grace);
  void Detach() { detached_ = true; }

 private:
  // The steps of a start, in order. Each rejects with a typed error; stage_ names the one under
  // way.
  Status TakeLife();
  Status OpenForBusiness();
  kj::Promise<void> Boot();
  kj::Promise<void> BootMachine(Accelerator accelerator);
  kj::Promise<void> BootOrFallBack();
  kj::Promise<void> StartMain();
  Status EnsureDisk();
  Result<kj::Own<Machine>> StartMachine(Accelerator accelerator);

  // The life's end.
  kj::Promise<void> ServeUntilEnd();
  kj::Promise<void> EndGracefully();
  kj::Promise<void> EndMain();
  kj::Promise<void> WhenGraceIsOver(kj::TimePoint begin);  // sooner when a later request says so
  kj::Promise<void> RecordMainEnd();
  kj::Promise<void> Fail(kj::Exception&& exception);
  kj::Promise<void> Conclude(LifeOutcome outcome);
  kj::Promise<void> WhenReaderLetGo();
  kj::Promise<void> WhenUnread();
  void RemoveBox();

  // What may end the life from outside.
  kj::Promise<void> WatchSignals();
  kj::Promise<void> WatchCreator();
  kj::Promise<void> WatchReader();
  kj::Promise<void> WatchDirectory();
  kj::Promise<void> WhenMachineEnds();  // rejects: it ended although nobody asked
  // `step`, or the machine's end. A dead machine is noticed twice: its port breaks, and its process
  // ends, which says why. The latter gets a moment to come first.
  kj::Promise<void> OrMachineEnds(kj::Promise<void> step);
  kj::Promise<void> WhenCreatorLetGo();

  void Report(const StartReport& report);
  std::string ConsoleTail() const;
  void taskFailed(kj::Exception&& exception) override;

  kj::AsyncIoContext& io_;
  kj::Timer& timer_;
  ShimBirth birth_;
  ShimInheritance inheritance_;

  std::optional<LifeWriter> life_;
  std::shared_ptr<LogWriter> log_;
  std::shared_ptr<LogGate> gate_;
  std::unique_ptr<LogGate::Reader> awaited_reader_;  // in the starter's place until it reads
  kj::Own<ExecRegistry> execs_;                      // before the socket: clients' holds use it
  kj::Own<BoxSocket> socket_;
  kj::Own<BoxWatch> watch_;
  kj::Own<Vmm> vmm_;
  kj::Own<Machine> machine_;
  std::optional<wire::Process::Client> main_;

  const char* stage_ = "locks";
  bool box_is_gone_ = false;
  bool detached_ = false;
  bool stop_requested_ = false;
  bool main_ended_ = false;
  std::string main_forced_;  // what main's end took, in words; empty: nothing
  std::chrono::milliseconds grace_;

  kj::Own<kj::PromiseFulfiller<void>> grace_changed_;
  kj::Own<kj::PromiseFulfiller<void>> stop_fulfiller_;
  kj::ForkedPromise<void> stop_;
  kj::Own<kj::PromiseFulfiller<void>> started_fulfiller_;
  kj::ForkedPromise<void> started_;
  kj::Own<kj::PromiseFulfiller<MainExit>> main_exited_fulfiller_;
  kj::ForkedPromise<MainExit> main_exited_;
  std::optional<kj::ForkedPromise<void>> creator_let_go_;
  std::optional<kj::ForkedPromise<void>> main_end_;

  // Last: its tasks use everything above.
  kj::TaskSet tasks_;
};

// The service that clients of `shim` get.
wire::Shim::Client NewShimService(Shim& shim);

}  // namespace boxlite

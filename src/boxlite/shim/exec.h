// Exec: a program beside main as the shim keeps it, from before its start until it is forgotten;
// and ExecHold, one client's hold on it.
#pragma once

#include <kj/debug.h>
#include <kj/refcount.h>

#include <optional>
#include <string>
#include <vector>

#include "agent.capnp.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/box_state.h"
#include "boxlite/shim/exec_stream.h"
#include "shim.capnp.h"

namespace boxlite {

class ExecRegistry;

struct ExecFacts {
  std::string id;
  std::vector<std::string> argv;
  bool terminal = false;
  std::int64_t started_ns = 0;  // since 1970
};

class Exec final : public kj::Refcounted {
 public:
  Exec(ExecFacts facts, KeptBytes& kept, std::size_t ring_bytes);

  const ExecFacts& facts() const { return facts_; }
  ExecStream& out() { return out_; }
  ExecStream& err() { return err_; }
  wire::ByteSink::Client OutSink() { return NewStreamSink(kj::addRef(*this), out_); }
  wire::ByteSink::Client ErrSink() { return NewStreamSink(kj::addRef(*this), err_); }

  using Exit = capnp::Response<wire::Process::WaitResults>;

  // The guest was asked to start it. Asks for its exit at once, and ends its input if it has none.
  void Starting(wire::Process::Client process);
  // By the registry, when it was executed; once each.
  kj::Promise<Exit> TakeExit() { return kj::mv(exit_told_); }
  wire::Process::Client process() { return KJ_ASSERT_NONNULL(process_); }
  // Its end was told, or the guest was lost.
  void Ended(ProcessExit exit, std::int64_t now_ns);
  void Lost(Error why, std::int64_t now_ns);
  void TimedOut() { timed_out_ = true; }  // the timeout's signal reached the living program

  bool ended() const { return ended_ns_ != 0; }
  std::int64_t ended_ns() const { return ended_ns_; }
  kj::Promise<void> WhenEnded() { return when_ended_.addBranch(); }

  // What a client may ask. kWrongState once it has ended.
  kj::Promise<Status> Signal(int number);
  kj::Promise<Status> Resize(wire::TerminalSize::Reader size);
  wire::ByteSink::Client Input();  // after its end: a sink that refuses
  void EndInput();
  bool input_open() const { return !input_ended_ && !ended(); }

  // Leases: one client reads, one feeds. Holds count so that a client's exec is not forgotten.
  bool being_read() const { return reader_; }
  bool being_fed() const { return feeder_; }
  bool held() const { return holds_ > 0; }

  void Describe(wire::ExecInfo::Builder info);
  void TellEnd(wire::Execution::WaitResults::Builder results);

 private:
  friend class ExecHold;

  ExecFacts facts_;
  ExecStream out_;
  ExecStream err_;
  kj::Maybe<wire::Process::Client> process_;  // while it runs
  kj::Promise<Exit> exit_told_ = nullptr;
  std::int64_t ended_ns_ = 0;
  ProcessExit exit_;
  std::optional<Error> lost_;
  bool timed_out_ = false;
  bool input_ended_ = false;
  bool reader_ = false;
  bool feeder_ = false;
  unsigned holds_ = 0;
  kj::Own<kj::PromiseFulfiller<void>> ending_;
  kj::ForkedPromise<void> when_ended_;
};

// Dropped (a client that dies drops all that it has), it frees the leases; a pipe that it fed
// ends, unless it was told to leave the input open.
class ExecHold final : public wire::Execution::Server {
 public:
  struct Rights {
    bool feeds = false;
    bool leaves_input = false;
  };
  // Where a client wants the streams: null for one that it does not want.
  struct Sinks {
    kj::Maybe<wire::ByteSink::Client> out;
    kj::Maybe<wire::ByteSink::Client> err;
    std::uint64_t out_from = 0;  // begin() to end() of the stream
    std::uint64_t err_from = 0;
  };
  // The leases must be free.
  ExecHold(ExecRegistry& registry, kj::Own<Exec> exec, Rights rights, Sinks sinks);
  ~ExecHold() noexcept(false);

  kj::Promise<void> wait(WaitContext context) override;
  kj::Promise<void> signal(SignalContext context) override;
  kj::Promise<void> stdin(StdinContext context) override;
  kj::Promise<void> resize(ResizeContext context) override;
  kj::Promise<void> detach(DetachContext context) override;

 private:
  ExecRegistry& registry_;
  kj::Own<Exec> exec_;
  Rights rights_;
  bool reads_ = false;
  bool has_out_ = false;
  bool has_err_ = false;
  kj::ForkedPromise<void> delivered_;  // both streams
};

}  // namespace boxlite

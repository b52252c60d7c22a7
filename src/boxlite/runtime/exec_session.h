// ExecSession: the caller's end of an exec while a call of the Runtime blocks on it.
#pragma once

#include <kj/async-io.h>

#include <string>
#include <string_view>

#include "boxlite/runtime/program_io.h"
#include "boxlite/runtime/shim_client.h"

namespace boxlite {

// To be destroyed after the client whose connection its sinks went over: they use it.
class ExecSession final : private ProgramControls, private kj::TaskSet::ErrorHandler {
 public:
  // `streams` must outlive it.
  ExecSession(kj::AsyncIoContext& io, const ProgramStreams& streams);
  ~ExecSession() noexcept(false);

  bool wants_output() const { return streams_.out.fd >= 0 || streams_.out.write; }
  bool wants_errors() const { return streams_.err.fd >= 0 || streams_.err.write; }
  // Where the exec's output goes, with blocking writes. Nothing is written before Stay(). After a
  // target has failed the program gets SIGPIPE, as in a shell's pipeline, and the rest is dropped.
  wire::ByteSink::Client OutputSink();
  wire::ByteSink::Client ErrorSink();

  // Carries output, input (when there is a stdin) and controls until the exec has ended and all
  // its output was written, or until the caller left it. Once. The end's `exec_id` is the caller's
  // to fill in.
  Result<ProgramEnd> Stay(ShimClient& client, wire::Execution::Client execution);

  // The same without streams: only waits.
  static Result<ProgramEnd> AwaitEnd(ShimClient& client, wire::Execution::Client execution);

 private:
  class Sink;
  void Deliver(const OutputTarget& target, std::string_view bytes);
  void Signal(int number) override;
  void Resize(TerminalSize size) override;
  void Detach() override;
  // It may have ended: then the wait sees it.
  void taskFailed(kj::Exception&&) override {}

  kj::AsyncIoContext& io_;
  const ProgramStreams& streams_;
  kj::Maybe<wire::Execution::Client> execution_;
  bool reader_left_ = false;
  bool leaving_ = false;
  kj::Own<kj::PromiseFulfiller<void>> begin_;
  kj::ForkedPromise<void> begun_;
  kj::Own<kj::PromiseFulfiller<void>> leave_;
  kj::Promise<void> left_ = nullptr;
  kj::TaskSet tasks_;  // last: its tasks use everything above
};

}  // namespace boxlite

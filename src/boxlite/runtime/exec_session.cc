#include "boxlite/runtime/exec_session.h"

#include <signal.h>

#include <utility>

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/program_input.h"

namespace boxlite {
namespace {

using Ended = capnp::Response<wire::Execution::WaitResults>;

Result<ProgramEnd> ToEnd(const Ended& ended) {
  BOXLITE_RETURN_IF_ERROR(FromWire(ended.getError()));
  ProgramEnd end;
  end.exit = FromWireExit(ended.getExit());
  end.timed_out = ended.getTimedOut();
  end.stdout_end = ended.getStdoutEnd();
  end.stderr_end = ended.getStderrEnd();
  return end;
}

}  // namespace

class ExecSession::Sink final : public wire::ByteSink::Server {
 public:
  Sink(ExecSession& session, const OutputTarget& target) : session_(session), target_(target) {}

  kj::Promise<void> write(WriteContext context) override {
    return session_.begun_.addBranch().then([this, context]() mutable {
      session_.Deliver(target_, AsText(context.getParams().getBytes()));
    });
  }
  kj::Promise<void> end(EndContext) override { return session_.begun_.addBranch(); }

 private:
  ExecSession& session_;
  const OutputTarget& target_;
};

ExecSession::ExecSession(kj::AsyncIoContext& io, const ProgramStreams& streams)
    : io_(io),
      streams_(streams),
      begun_([this]() {
        auto pair = kj::newPromiseAndFulfiller<void>();
        begin_ = kj::mv(pair.fulfiller);
        return pair.promise.fork();
      }()),
      tasks_(*this) {
  auto pair = kj::newPromiseAndFulfiller<void>();
  leave_ = kj::mv(pair.fulfiller);
  left_ = kj::mv(pair.promise);
}

ExecSession::~ExecSession() noexcept(false) = default;

wire::ByteSink::Client ExecSession::OutputSink() { return kj::heap<Sink>(*this, streams_.out); }
wire::ByteSink::Client ExecSession::ErrorSink() { return kj::heap<Sink>(*this, streams_.err); }

void ExecSession::Deliver(const OutputTarget& target, std::string_view bytes) {
  if (reader_left_ || WriteOutput(target, bytes).ok()) return;
  reader_left_ = true;
  Signal(SIGPIPE);
}

void ExecSession::Signal(int number) {
  KJ_IF_MAYBE (execution, execution_) {
    auto request = execution->signalRequest();
    request.setNumber(number);
    tasks_.add(request.send().ignoreResult());
  }
}

void ExecSession::Resize(TerminalSize size) {
  KJ_IF_MAYBE (execution, execution_) {
    auto request = execution->resizeRequest();
    request.initSize().setRows(size.rows);
    request.getSize().setColumns(size.columns);
    tasks_.add(request.send().ignoreResult());
  }
}

void ExecSession::Detach() {
  KJ_IF_MAYBE (execution, execution_) {
    if (std::exchange(leaving_, true)) return;
    // Known there before this hold goes, or its end would end the program's input.
    tasks_.add(execution->detachRequest()
                   .send()
                   .ignoreResult()
                   .catch_([](kj::Exception&&) {})
                   .then([this]() { leave_->fulfill(); }));
  }
}

Result<ProgramEnd> ExecSession::Stay(ShimClient& client, wire::Execution::Client execution) {
  execution_ = execution;
  begin_->fulfill();
  kj::Own<InputPump> pump;
  kj::Promise<void> input = kj::READY_NOW;  // uses the pump, so it goes first
  if (streams_.stdin_fd >= 0) {
    pump = kj::heap<InputPump>(io_, streams_.stdin_fd, execution.stdinRequest().send().getSink(),
                               streams_.detach_keys, [this]() { Detach(); });
    input = pump->Run().eagerlyEvaluate([](kj::Exception&&) {});
  }
  const ControlWatch watch(io_, streams_.controls, *this);
  using Either = kj::Maybe<Ended>;  // nothing: the caller left
  kj::Promise<Either> ending =
      execution.waitRequest().send().then([](Ended&& ended) { return Either(kj::mv(ended)); });
  kj::Promise<Either> leaving = left_.then([]() { return Either(); });
  BOXLITE_ASSIGN_OR_RETURN(Either either,
                           client.Await<Either>(ending.exclusiveJoin(kj::mv(leaving))));
  KJ_IF_MAYBE (ended, either) {
    return ToEnd(*ended);
  }
  ProgramEnd end;
  end.detached = true;
  return end;
}

Result<ProgramEnd> ExecSession::AwaitEnd(ShimClient& client, wire::Execution::Client execution) {
  BOXLITE_ASSIGN_OR_RETURN(Ended ended, client.Await<Ended>(execution.waitRequest().send()));
  return ToEnd(ended);
}

}  // namespace boxlite

#include "boxlite/shim/exec.h"

#include <kj/debug.h>

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/shim/exec_registry.h"
#include "boxlite/shim/machine.h"

namespace boxlite {
namespace {

Error HasEnded(const Exec& exec) {
  return Error(ErrorCode::kWrongState, "exec " + exec.facts().id + " has ended");
}

void FillExit(const ProcessExit& exit, wire::ExitStatus::Builder out) {
  if (exit.signal) {
    out.setSignal(static_cast<std::uint8_t>(*exit.signal));
  } else {
    out.setCode(static_cast<std::uint8_t>(exit.code.value_or(0)));
  }
}

// Into an agent's answer, or the loss of the guest, as a Status.
template <typename Promise>
kj::Promise<Status> AsStatus(Promise&& promise) {
  return promise.then([](auto&& answer) -> Status { return FromWire(answer.getError()); },
                      [](kj::Exception&& exception) -> Status { return FromStep(exception); });
}

class RefusingSink final : public wire::ByteSink::Server {
 public:
  kj::Promise<void> write(WriteContext) override {
    return KJ_EXCEPTION(DISCONNECTED, "the exec has ended");
  }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }
};

}  // namespace

Exec::Exec(ExecFacts facts, KeptBytes& kept, std::size_t ring_bytes)
    : facts_(std::move(facts)),
      out_(kept, ring_bytes),
      err_(kept, ring_bytes),
      when_ended_([this]() {
        auto pair = kj::newPromiseAndFulfiller<void>();
        ending_ = kj::mv(pair.fulfiller);
        return pair.promise.fork();
      }()) {}

void Exec::Starting(wire::Process::Client process) {
  exit_told_ = process.waitRequest().send();
  process_ = kj::mv(process);
  if (input_ended_) {
    input_ended_ = false;
    EndInput();
  }
}

void Exec::Ended(ProcessExit exit, std::int64_t now_ns) {
  EndInput();
  exit_ = exit;
  ended_ns_ = now_ns;
  // What its children still write is not wanted, and must not hold up anybody.
  out_.Close();
  err_.Close();
  process_ = nullptr;
  ending_->fulfill();
}

void Exec::Lost(Error why, std::int64_t now_ns) {
  lost_ = std::move(why);
  ended_ns_ = now_ns;
  out_.Close();
  err_.Close();
  process_ = nullptr;
  ending_->fulfill();
}

kj::Promise<Status> Exec::Signal(int number) {
  KJ_IF_MAYBE (process, process_) {
    auto request = process->signalRequest();
    request.setNumber(number);
    request.setWholeGroup(true);
    return AsStatus(request.send());
  }
  return Status(HasEnded(*this));
}

kj::Promise<Status> Exec::Resize(wire::TerminalSize::Reader size) {
  if (!facts_.terminal) {
    return Status(Error(ErrorCode::kWrongState, "exec " + facts_.id + " has no terminal"));
  }
  KJ_IF_MAYBE (process, process_) {
    auto request = process->resizeRequest();
    request.setSize(size);
    return AsStatus(request.send());
  }
  return Status(HasEnded(*this));
}

wire::ByteSink::Client Exec::Input() {
  KJ_IF_MAYBE (process, process_) {
    return process->stdinRequest().send().getSink();
  }
  return kj::heap<RefusingSink>();
}

void Exec::EndInput() {
  if (input_ended_) return;
  input_ended_ = true;
  KJ_IF_MAYBE (process, process_) {
    // Behind whatever was written before, which the program may take as late as it likes.
    process->stdinRequest().send().getSink().endRequest().send().ignoreResult().detach(
        [](kj::Exception&&) {});
  }
}

void Exec::Describe(wire::ExecInfo::Builder info) {
  info.setId(facts_.id.c_str());
  auto argv = info.initArgv(static_cast<unsigned>(facts_.argv.size()));
  for (unsigned i = 0; i < facts_.argv.size(); ++i) argv.set(i, AsBytes(facts_.argv[i]));
  info.setRunning(!ended());
  if (ended()) FillExit(exit_, info.initExit());
  info.setTimedOut(timed_out_);
  info.setStartedNs(facts_.started_ns);
  info.setEndedNs(ended_ns_);
  info.setTerminal(facts_.terminal);
  info.setAttached(reader_);
  info.setStdoutBegin(out_.begin());
  info.setStdoutEnd(out_.end());
  info.setStderrBegin(err_.begin());
  info.setStderrEnd(err_.end());
}

void Exec::TellEnd(wire::Execution::WaitResults::Builder results) {
  if (lost_) {
    ToWire(*lost_, results.initError());
    return;
  }
  FillExit(exit_, results.initExit());
  results.setTimedOut(timed_out_);
  results.setStdoutEnd(out_.end());
  results.setStderrEnd(err_.end());
}

ExecHold::ExecHold(ExecRegistry& registry, kj::Own<Exec> exec, Rights rights, Sinks sinks)
    : registry_(registry), exec_(kj::mv(exec)), rights_(rights), delivered_([&]() {
        kj::Promise<void> delivered = kj::READY_NOW;
        KJ_IF_MAYBE (out, sinks.out) {
          delivered = exec_->out().Attach(sinks.out_from, kj::mv(*out));
          has_out_ = true;
        }
        KJ_IF_MAYBE (err, sinks.err) {
          delivered =
              delivered.then([more = exec_->err().Attach(sinks.err_from, kj::mv(*err))]() mutable {
                return kj::mv(more);
              });
          has_err_ = true;
        }
        return delivered.fork();
      }()) {
  reads_ = has_out_ || has_err_;
  if (reads_) exec_->reader_ = true;
  if (rights_.feeds) exec_->feeder_ = true;
  ++exec_->holds_;
}

ExecHold::~ExecHold() noexcept(false) {
  if (has_out_) exec_->out().Release();
  if (has_err_) exec_->err().Release();
  if (reads_) exec_->reader_ = false;
  if (rights_.feeds) exec_->feeder_ = false;
  // A terminal is not ended by who leaves it, as it would not be by an unplugged cable.
  if (rights_.feeds && !rights_.leaves_input && !exec_->facts().terminal) exec_->EndInput();
  --exec_->holds_;
  registry_.HoldWasDropped();
}

kj::Promise<void> ExecHold::wait(WaitContext context) {
  // Else this call would keep the hold of a client that is gone.
  context.allowCancellation();
  return exec_->WhenEnded()
      .then([this]() { return delivered_.addBranch(); })
      .then([this, context]() mutable { exec_->TellEnd(context.getResults()); });
}

kj::Promise<void> ExecHold::signal(SignalContext context) {
  return exec_->Signal(context.getParams().getNumber()).then([context](Status&& sent) mutable {
    if (!sent.ok()) ToWire(sent, context.getResults().initError());
  });
}

kj::Promise<void> ExecHold::stdin(StdinContext context) {
  KJ_REQUIRE(rights_.feeds, "this hold does not feed the program's input");
  context.getResults().setSink(exec_->Input());
  return kj::READY_NOW;
}

kj::Promise<void> ExecHold::resize(ResizeContext context) {
  return exec_->Resize(context.getParams().getSize()).then([context](Status&& done) mutable {
    if (!done.ok()) ToWire(done, context.getResults().initError());
  });
}

kj::Promise<void> ExecHold::detach(DetachContext) {
  rights_.leaves_input = true;
  return kj::READY_NOW;
}

}  // namespace boxlite

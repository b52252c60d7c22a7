// What clients of a live box can ask of its shim: schema/shim.capnp.
#include <kj/debug.h>

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/create_box.h"
#include "boxlite/shim/main_attachment.h"
#include "boxlite/shim/shim.h"
#include "boxlite/shim/shim_copy.h"
#include "boxlite/shim/shim_look.h"
#include "boxlite/shim/sinks.h"

namespace boxlite {
namespace {

// attachMain's `from` for "as the log is now".
constexpr std::uint64_t kFromNow = ~std::uint64_t{0};

std::vector<std::string> ToStrings(capnp::List<capnp::Data>::Reader list) {
  std::vector<std::string> strings;
  for (const capnp::Data::Reader item : list) strings.emplace_back(AsText(item));
  return strings;
}

void CopyExit(wire::ExitStatus::Reader from, wire::ExitStatus::Builder to) {
  if (from.isSignal()) {
    to.setSignal(from.getSignal());
  } else {
    to.setCode(from.getCode());
  }
}

// The agent's failures are data for the client; a lost guest is one too.
template <typename Context>
auto IntoError(Context& context) {
  return [context](kj::Exception&& exception) mutable {
    ToWire(FromStep(exception), context.getResults().initError());
  };
}

class ExecutionService final : public wire::Execution::Server {
 public:
  explicit ExecutionService(wire::Process::Client process) : process_(kj::mv(process)) {}

  kj::Promise<void> wait(WaitContext context) override {
    return process_.waitRequest().send().then(
        [context](auto&& answer) mutable {
          CopyExit(answer.getExit(), context.getResults().initExit());
        },
        IntoError(context));
  }

  kj::Promise<void> signal(SignalContext context) override {
    auto request = process_.signalRequest();
    request.setNumber(context.getParams().getNumber());
    request.setWholeGroup(true);
    return request.send().then(
        [context](auto&& answer) mutable { context.getResults().setError(answer.getError()); },
        IntoError(context));
  }

  kj::Promise<void> resize(ResizeContext context) override {
    auto request = process_.resizeRequest();
    request.setSize(context.getParams().getSize());
    return request.send().then(
        [context](auto&& answer) mutable { context.getResults().setError(answer.getError()); },
        IntoError(context));
  }
  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(process_.stdinRequest().send().getSink());
    return kj::READY_NOW;
  }

 private:
  wire::Process::Client process_;
};

class ShimService final : public wire::Shim::Server {
 public:
  explicit ShimService(Shim& shim) : shim_(shim) {}

  kj::Promise<void> hello(HelloContext context) override {
    auto results = context.getResults();
    results.setBoxId(shim_.birth().spec.id.c_str());
    results.setLifeId(shim_.birth().life_id.c_str());
    results.setProtocolVersion(kShimProtocolVersion);
    const std::string_view phase = shim_.phase();
    results.setPhase(kj::StringPtr(phase.data(), phase.size()));
    return kj::READY_NOW;
  }

  kj::Promise<void> exec(ExecContext context) override {
    return shim_.WhenStarted()
        .then([this, context]() mutable { return StartExec(context); })
        .catch_(IntoError(context));
  }

  kj::Promise<void> stop(StopContext context) override {
    shim_.RequestStop(std::chrono::milliseconds(context.getParams().getGraceMs()));
    return kj::READY_NOW;
  }

  kj::Promise<void> signalMain(SignalMainContext context) override {
    return shim_.WhenStarted()
        .then([this, context]() mutable {
          auto request = shim_.main().signalRequest();
          request.setNumber(context.getParams().getNumber());
          return request.send().then([context](auto&& answer) mutable {
            context.getResults().setError(answer.getError());
          });
        })
        .catch_(IntoError(context));
  }

  kj::Promise<void> waitMain(WaitMainContext context) override {
    return shim_.WhenMainExited().then(
        [context](MainExit&& main_exit) mutable {
          auto results = context.getResults();
          auto exit = results.initExit();
          if (main_exit.exit.signal) {
            exit.setSignal(static_cast<std::uint8_t>(*main_exit.exit.signal));
          } else {
            exit.setCode(static_cast<std::uint8_t>(main_exit.exit.code.value_or(0)));
          }
          results.setLogEnd(main_exit.log_end);
        },
        IntoError(context));
  }

  kj::Promise<void> detach(DetachContext) override {
    shim_.Detach();
    return kj::READY_NOW;
  }

  kj::Promise<void> attachMain(AttachMainContext context) override {
    return shim_.WhenStarted()
        .then([this, context]() mutable {
          const auto params = context.getParams();
          const bool from_now = params.getFrom() == kFromNow;
          const std::uint64_t from = from_now ? shim_.log_end() : params.getFrom();
          auto results = context.getResults();
          results.setAttachment(NewMainAttachment(shim_.gate().AddReader(from), shim_.main(),
                                                  params.getWithInput(), shim_.birth().main_input));
          results.setLogBegin(from);
          results.setTerminal(shim_.birth().spec.terminal);
        })
        .catch_(IntoError(context));
  }

  kj::Promise<void> waitStarted(WaitStartedContext context) override {
    return shim_.WhenStarted().catch_(IntoError(context));
  }

  kj::Promise<void> pathInfo(PathInfoContext context) override {
    return shim_.WhenStarted()
        .then([this, context]() { return AnswerPathInfo(shim_, context); })
        .catch_(IntoError(context));
  }

  kj::Promise<void> pack(PackContext context) override {
    return shim_.WhenStarted()
        .then([this, context]() { return AnswerPack(shim_, context); })
        .catch_(IntoError(context));
  }

  kj::Promise<void> unpack(UnpackContext context) override {
    return shim_.WhenStarted()
        .then([this, context]() { return AnswerUnpack(shim_, context); })
        .catch_(IntoError(context));
  }

  kj::Promise<void> processes(ProcessesContext context) override {
    return AnswerProcesses(shim_, context).catch_(IntoError(context));
  }

  kj::Promise<void> statistics(StatisticsContext context) override {
    return AnswerStatistics(shim_, context).catch_(IntoError(context));
  }

 private:
  kj::Promise<void> StartExec(ExecContext context) {
    if (!shim_.accepts_programs()) {
      return AsException(Error(ErrorCode::kWrongState, "the box is being shut down"));
    }
    const auto params = context.getParams();
    const auto wanted = params.getSpec();
    const BoxSpec& box = shim_.birth().spec;
    Machine::Program program;
    program.role = wire::Agent::Role::EXEC;
    program.id = shim_.NextExecId();
    program.argv = ToStrings(wanted.getArgv());
    program.env = MergeEnvironment(box.env, ToStrings(wanted.getEnv()));
    program.working_dir = wanted.getWorkingDir().size() > 0
                              ? std::string(AsText(wanted.getWorkingDir()))
                              : box.working_dir;
    program.user = wanted.getUser().size() > 0 ? std::string(AsText(wanted.getUser())) : box.user;
    if (wanted.hasTerminal()) {
      program.terminal =
          TerminalSize{wanted.getTerminal().getRows(), wanted.getTerminal().getColumns()};
    }
    const bool with_input = wanted.getStdin();
    auto out = NewForwardSink(params.getStdout());
    auto err = NewForwardSink(params.getStderr());
    return shim_.machine()
        .StartProgram(program, kj::mv(out), kj::mv(err))
        .then([context, with_input](wire::Process::Client&& process) mutable -> kj::Promise<void> {
          kj::Promise<void> input = kj::READY_NOW;
          if (!with_input) {
            auto sink = process.stdinRequest().send().getSink();
            input = sink.endRequest().send().ignoreResult().catch_([](kj::Exception&&) {});
          }
          context.getResults().setExecution(kj::heap<ExecutionService>(kj::mv(process)));
          return input;
        });
  }

  Shim& shim_;
};

}  // namespace

wire::Shim::Client NewShimService(Shim& shim) { return kj::heap<ShimService>(shim); }

}  // namespace boxlite

// What clients of a live box can ask of its shim: schema/shim.capnp.
#include <kj/debug.h>

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/shim/exec_service.h"
#include "boxlite/shim/main_attachment.h"
#include "boxlite/shim/shim.h"
#include "boxlite/shim/shim_copy.h"
#include "boxlite/shim/shim_look.h"

namespace boxlite {
namespace {

// attachMain's `from` for "as the log is now".
constexpr std::uint64_t kFromNow = ~std::uint64_t{0};

// The agent's failures are data for the client; a lost guest is one too.
template <typename Context>
auto IntoError(Context& context) {
  return [context](kj::Exception&& exception) mutable {
    ToWire(FromStep(exception), context.getResults().initError());
  };
}

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
        .then([this, context]() mutable { return StartIfOpen(context); })
        .catch_(IntoError(context));
  }

  kj::Promise<void> execs(ExecsContext context) override {
    ListExecs(shim_, context);
    return kj::READY_NOW;
  }

  kj::Promise<void> openExec(OpenExecContext context) override {
    Status opened = OpenExec(shim_, context);
    if (!opened.ok()) ToWire(opened, context.getResults().initError());
    return kj::READY_NOW;
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
  kj::Promise<void> StartIfOpen(ExecContext context) {
    if (!shim_.accepts_programs()) {
      return AsException(Error(ErrorCode::kWrongState, "the box is being shut down"));
    }
    return StartExec(shim_, context);
  }

  Shim& shim_;
};

}  // namespace

wire::Shim::Client NewShimService(Shim& shim) { return kj::heap<ShimService>(shim); }

}  // namespace boxlite

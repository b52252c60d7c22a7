#include "boxlite/shim/shim_copy.h"

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/shim/sinks.h"

namespace boxlite {
namespace {

void RequireRunning(Shim& shim) {
  if (shim.accepts_programs()) return;
  kj::throwFatalException(AsException(Error(ErrorCode::kWrongState, "the box is being shut down")));
}

class TransferService final : public wire::Transfer::Server {
 public:
  // The agent ends the process when this lets go of it.
  explicit TransferService(wire::Process::Client process) : process_(kj::mv(process)) {}

  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(process_.stdinRequest().send().getSink());
    return kj::READY_NOW;
  }

  kj::Promise<void> wait(WaitContext context) override {
    // A client that is gone takes its call with it, and so the last hold on the process.
    context.allowCancellation();
    return process_.waitRequest()
        .send()
        .then([this](auto&&) { return process_.transferResultRequest().send(); })
        .then(
            [context](auto&& answer) mutable {
              auto results = context.getResults();
              if (answer.getError().getCode() != 0) results.setError(answer.getError());
              results.setSkipped(answer.getSkipped());
            },
            [context](kj::Exception&& exception) mutable {
              ToWire(FromStep(exception), context.getResults().initError());
            });
  }

 private:
  wire::Process::Client process_;
};

template <typename Call, typename Answer>
void GiveTransfer(Call& call, Answer& answer) {
  if (answer.getError().getCode() != 0) {
    call.getResults().setError(answer.getError());
  } else {
    call.getResults().setTransfer(kj::heap<TransferService>(answer.getProcess()));
  }
}

}  // namespace

kj::Promise<void> AnswerPathInfo(
    Shim& shim, ShimCall<wire::Shim::PathInfoParams, wire::Shim::PathInfoResults> call) {
  RequireRunning(shim);
  auto request = shim.machine().agent().pathInfoRequest();
  request.setPath(call.getParams().getPath());
  request.setFollowLink(call.getParams().getFollowLink());
  return request.send().then([call](auto&& answer) mutable {
    if (answer.getError().getCode() != 0) {
      call.getResults().setError(answer.getError());
    } else {
      call.getResults().setInfo(answer.getInfo());
    }
  });
}

kj::Promise<void> AnswerPack(Shim& shim,
                             ShimCall<wire::Shim::PackParams, wire::Shim::PackResults> call) {
  RequireRunning(shim);
  auto request = shim.machine().agent().packRequest();
  request.setRequest(call.getParams().getRequest());
  request.setSink(NewForwardSink(call.getParams().getSink()));
  return request.send().then([call](auto&& answer) mutable { GiveTransfer(call, answer); });
}

kj::Promise<void> AnswerUnpack(Shim& shim,
                               ShimCall<wire::Shim::UnpackParams, wire::Shim::UnpackResults> call) {
  RequireRunning(shim);
  auto request = shim.machine().agent().unpackRequest();
  request.setRequest(call.getParams().getRequest());
  if (request.getRequest().getUser().size() == 0) {
    request.getRequest().setUser(AsBytes(shim.birth().spec.user));
  }
  return request.send().then([call](auto&& answer) mutable { GiveTransfer(call, answer); });
}

}  // namespace boxlite

#include "boxlite/runtime/main_session.h"

#include <kj/debug.h>

#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::uint64_t kFromNow = ~std::uint64_t{0};

}  // namespace

Result<std::unique_ptr<MainSession>> MainSession::Open(kj::AsyncIoContext& io, ShimClient& client,
                                                       int box_fd, const ProgramStreams& streams,
                                                       std::optional<std::uint64_t> from) {
  std::unique_ptr<MainSession> session(new MainSession(io, client, streams));
  auto request = client.shim().attachMainRequest();
  request.setFrom(from.value_or(kFromNow));
  request.setWithInput(streams.stdin_fd >= 0);
  using Answer = capnp::Response<wire::Shim::AttachMainResults>;
  BOXLITE_ASSIGN_OR_RETURN(Answer answer, client.Await<Answer>(request.send()));
  BOXLITE_RETURN_IF_ERROR(FromWire(answer.getError()));
  session->attachment_ = answer.getAttachment();
  MainSession* self = session.get();
  BOXLITE_ASSIGN_OR_RETURN(session->follower_, LogFollower::Create(io, box_fd, answer.getLogBegin(),
                                                                   [self](const LogRecord& record) {
                                                                     return self->Take(record);
                                                                   }));
  session->follower_->OnTaken([self](std::uint64_t offset) {
    auto shown = self->attachment_->shownRequest();
    shown.setLogOffset(offset);
    self->sending_.add(shown.send().ignoreResult());
  });
  return session;
}

Status MainSession::Take(const LogRecord& record) {
  Status written =
      WriteOutput(record.stream == LogStream::kStdout ? streams_.out : streams_.err, record.bytes);
  output_failed_ = !written.ok();
  return written;
}

void MainSession::Resize(TerminalSize size) {
  auto request = attachment_->resizeRequest();
  request.initSize().setRows(size.rows);
  request.getSize().setColumns(size.columns);
  sending_.add(request.send().ignoreResult());
}

void MainSession::Signal(int number) {
  auto request = shim_.signalMainRequest();
  request.setNumber(number);
  sending_.add(request.send().ignoreResult());
}

void MainSession::Detach() { detached_->fulfill(); }

kj::Promise<void> MainSession::PumpInput() {
  if (streams_.stdin_fd < 0) return kj::READY_NOW;
  auto pump =
      kj::heap<InputPump>(io_, streams_.stdin_fd, attachment_->stdinRequest().send().getSink(),
                          streams_.detach_keys, [this]() { Detach(); });
  // A main that takes no input any more still has its output.
  return pump->Run().attach(kj::mv(pump)).catch_([](kj::Exception&&) {});
}

Result<ProgramEnd> MainSession::Run() {
  using Answer = capnp::Response<wire::Shim::WaitMainResults>;
  using Ended = kj::Maybe<Answer>;  // nothing: detached
  auto leaving = kj::newPromiseAndFulfiller<void>();
  detached_ = kj::mv(leaving.fulfiller);
  kj::Promise<Ended> left = leaving.promise.then([]() { return Ended(); });
  kj::Promise<Ended> ended =
      shim_.waitMainRequest().send().then([](Answer&& answer) { return Ended(kj::mv(answer)); });
  kj::Promise<Ended> following = follower_->Run().then(
      []() -> kj::Promise<Ended> { return KJ_EXCEPTION(FAILED, "the log's follower ended"); });
  const kj::Promise<void> input = PumpInput().eagerlyEvaluate(nullptr);
  const ControlWatch controls(io_, streams_.controls, *this);
  Result<Ended> done = AwaitPromise<Ended>(
      io_, left.exclusiveJoin(kj::mv(ended)).exclusiveJoin(kj::mv(following)), std::nullopt);
  if (!done.ok()) {
    if (follower_->failure()) return Error(*follower_->failure()).While("show main's output");
    return std::move(done).error();
  }
  ProgramEnd end;
  KJ_IF_MAYBE (answer, *done) {
    BOXLITE_RETURN_IF_ERROR(FromWire(answer->getError()));
    end.exit = FromWireExit(answer->getExit());
    end.stdout_end = answer->getLogEnd();
    BOXLITE_RETURN_IF_ERROR(follower_->Drain());
  } else {
    end.detached = true;
  }
  return end;
}

void MainSession::taskFailed(kj::Exception&&) {}

}  // namespace boxlite

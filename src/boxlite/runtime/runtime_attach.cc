#include <signal.h>

#include <memory>

#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/end_life.h"
#include "boxlite/runtime/main_log.h"
#include "boxlite/runtime/runtime_impl.h"

namespace boxlite {

Result<ProgramEnd> RuntimeImpl::RunForeground(const BoxId& id, const ForegroundOptions& options) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(std::uint64_t log_begin, LogEnd(box.fd.get()));
  Starter starter;
  starter.attachment = options.attachment;
  starter.kind = options.attachment == Attachment::kAttached ? StartedBy::kAttachedClient
                                                             : StartedBy::kFollowingClient;
  starter.reader_comes = true;
  starter.terminal_size = options.terminal_size;
  starter.interrupt_fd = options.interrupt_fd;
  std::optional<StartedLife> started;
  {
    BOXLITE_ASSIGN_OR_RETURN(OfdLock verb, TakeVerb(box, "run"));
    BOXLITE_ASSIGN_OR_RETURN(started, StartLocked(box, verb, starter));
  }
  if (!started) {
    return Attach(id, {options.streams, options.terminal_size, options.on_started});
  }
  Result<std::unique_ptr<ShimClient>> client = ConnectLive(box);
  if (!client.ok()) {
    started->reader_hold.reset();
    return EndOfSession(box, nullptr, nullptr, std::move(client).error(), options.streams,
                        log_begin);
  }
  Result<std::unique_ptr<MainSession>> session =
      MainSession::Open(io(), **client, box.fd.get(), options.streams, log_begin);
  // Now the session is who main waits for.
  started->reader_hold.reset();
  if (!session.ok()) {
    return EndOfSession(box, std::move(*client), nullptr, std::move(session).error(),
                        options.streams, log_begin);
  }
  if (options.on_started) options.on_started();
  Result<ProgramEnd> end = (*session)->Run();
  return EndOfSession(box, std::move(*client), std::move(*session), std::move(end), options.streams,
                      log_begin);
}

Result<ProgramEnd> RuntimeImpl::Attach(const BoxId& id, const AttachOptions& options) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
    const BoxState state = DeriveState(evidence).state;
    const VerbRule rule = RuleFor(Verb::kAttach, state);
    if (rule == VerbRule::kDo) break;
    if (rule == VerbRule::kRefuse) {
      return Error(ErrorCode::kWrongState,
                   "attach to box " + id.str() + ": " + RefusalAdvice(Verb::kAttach, state));
    }
    BOXLITE_RETURN_IF_ERROR(AwaitSettled(box));
  }
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client, ConnectLive(box));
  BOXLITE_ASSIGN_OR_RETURN(
      std::unique_ptr<MainSession> session,
      MainSession::Open(io(), *client, box.fd.get(), options.streams, std::nullopt));
  if (const TerminalSize size = options.terminal_size; size.rows != 0 || size.columns != 0) {
    // A size that does not change is no news to main; one that did makes it draw anew.
    session->Resize({size.rows, static_cast<std::uint16_t>(size.columns + 1)});
    session->Resize(size);
  }
  if (options.on_attached) options.on_attached();
  Result<ProgramEnd> end = session->Run();
  return EndOfSession(box, std::move(client), std::move(session), std::move(end), options.streams,
                      /*log_begin=*/0);
}

Status RuntimeImpl::BreakPipe(const OpenBox& box, ShimClient& client) {
  auto signal = client.shim().signalMainRequest();
  signal.setNumber(SIGPIPE);
  auto stop = client.shim().stopRequest();
  stop.setGraceMs(static_cast<std::uint32_t>(kBrokenPipeGrace.count()));
  using Signalled = capnp::Response<wire::Shim::SignalMainResults>;
  using Stopped = capnp::Response<wire::Shim::StopResults>;
  // One after the other on one connection. A shim that does not answer is ended by letting go.
  kj::Promise<Signalled> signalling = signal.send();
  static_cast<void>(client.Await<Stopped>(stop.send(), kHandshakeTimeout).ok());
  attached_->Release(box.id);
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  if (evidence.shim_lock == LockState::kFree) return {};
  return AwaitShimEnd(box, evidence);
}

Result<ProgramEnd> RuntimeImpl::EndOfSession(const OpenBox& box, std::unique_ptr<ShimClient> client,
                                             std::unique_ptr<MainSession> session,
                                             Result<ProgramEnd> end, const ProgramStreams& streams,
                                             std::uint64_t log_begin) {
  const bool attached = attached_->Holds(box.id);
  if (end.ok() && end->detached) {
    if (!attached) return end;
    using Answer = capnp::Response<wire::Shim::DetachResults>;
    BOXLITE_ASSIGN_OR_RETURN(
        Answer answer,
        client->Await<Answer>(client->shim().detachRequest().send(), kHandshakeTimeout));
    attached_->Release(box.id);
    return end;
  }
  if (!end.ok() && session && session->output_failed()) {
    if (attached) BOXLITE_RETURN_IF_ERROR(BreakPipe(box, *client));
    return end;
  }
  if (!end.ok()) return EndOfLostSession(box, session.get(), end.error(), streams, log_begin);
  // The shim of a --rm box keeps it until who reads its output has everything and lets go.
  session.reset();
  client.reset();
  attached_->Release(box.id);
  BOXLITE_ASSIGN_OR_RETURN(bool gone, AwaitLocksFree(box.fd.get(), kCallerCeiling));
  if (gone) return end;
  return Error(ErrorCode::kTimeout, "box " + box.id.str() + " does not end; rm -f ends it");
}

Result<ProgramEnd> RuntimeImpl::EndOfLostSession(const OpenBox& box, MainSession* session,
                                                 const Error& error, const ProgramStreams& streams,
                                                 std::uint64_t log_begin) {
  // Too late to ask, or the shim was lost: the evidence decides, once nothing lives.
  attached_->Release(box.id);
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  if (evidence.shim_lock == LockState::kHeld) BOXLITE_RETURN_IF_ERROR(AwaitShimEnd(box, evidence));
  BOXLITE_ASSIGN_OR_RETURN(evidence, ReadEvidence(box.fd.get()));
  if (session != nullptr) {
    BOXLITE_RETURN_IF_ERROR(session->Drain());
  } else {
    LogReader reader(box.fd.get(), log_begin);
    auto read = reader.ReadAvailable([&](const LogRecord& record) {
      return WriteOutput(record.stream == LogStream::kStdout ? streams.out : streams.err,
                         record.bytes);
    });
    if (!read.ok()) return std::move(read).error();
  }
  if (!evidence.main_exit.present() && error.code() != ErrorCode::kUnavailable) return error;
  BOXLITE_ASSIGN_OR_RETURN(ProcessExit exit, RecordedExit(evidence, box.id));
  ProgramEnd end;
  end.exit = exit;
  return end;
}

}  // namespace boxlite

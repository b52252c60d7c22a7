#include <memory>

#include "boxlite/base/wall_clock.h"
#include "boxlite/runtime/end_life.h"
#include "boxlite/runtime/log_follow.h"
#include "boxlite/runtime/log_printer.h"
#include "boxlite/runtime/main_log.h"
#include "boxlite/runtime/runtime_impl.h"

namespace boxlite {
namespace {

// Resolves at the time of day that `until_ns` names. kj's clock is another one, so it is asked
// once.
kj::Promise<int> WhenTimeIsOver(kj::AsyncIoContext& io, std::optional<std::int64_t> until_ns) {
  if (!until_ns) return kj::NEVER_DONE;
  io.waitScope.poll();
  const std::int64_t left = std::max<std::int64_t>(0, *until_ns - WallClockNowNs());
  return io.provider->getTimer().afterDelay(left * kj::NANOSECONDS).then([]() { return 0; });
}

}  // namespace

Status RuntimeImpl::Logs(const BoxId& id, const LogOptions& options) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  LogPrinter printer({options.tail_lines, options.since_ns, options.until_ns, options.timestamps},
                     options.stdout_fd, options.stderr_fd);
  const auto print = [&printer](const LogRecord& record) { return printer.Take(record); };
  LogReader past(box.fd.get(), 0);
  BOXLITE_ASSIGN_OR_RETURN(LogReader::Progress progress, past.ReadAvailable(print));
  static_cast<void>(progress);  // rotation took old output long ago: nobody's loss
  BOXLITE_RETURN_IF_ERROR(printer.EndTail());
  const bool over = options.until_ns && *options.until_ns <= WallClockNowNs();
  if (!options.follow || over) return printer.Finish();
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<LogFollower> follower,
                           LogFollower::Create(io(), box.fd.get(), past.position(), print));
  BOXLITE_RETURN_IF_ERROR(FollowLife(box, *follower, options.until_ns));
  BOXLITE_RETURN_IF_ERROR(follower->Drain());
  return printer.Finish();
}

Status RuntimeImpl::FollowLife(const OpenBox& box, LogFollower& follower,
                               std::optional<std::int64_t> until_ns) {
  // Looked at after the watch began, and drained after the look: what was written meanwhile is not
  // lost.
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  if (evidence.shim_lock == LockState::kFree) return {};
  Result<ProcessHandle> shim = FindShim(box.fd.get(), evidence);
  if (!shim.ok() && shim.error().code() == ErrorCode::kNotFound) return {};
  if (!shim.ok()) return std::move(shim).error().While("follow the log of box " + box.id.str());
  kj::UnixEventPort::FdObserver ended(io().unixEventPort, shim->fd(),
                                      kj::UnixEventPort::FdObserver::OBSERVE_READ);
  kj::Promise<int> over = ended.whenBecomesReadable().then([]() { return 0; });
  kj::Promise<int> following = follower.Run().then([]() { return 0; });
  Result<int> done = AwaitPromise<int>(
      io(), over.exclusiveJoin(kj::mv(following)).exclusiveJoin(WhenTimeIsOver(io(), until_ns)),
      std::nullopt);
  if (!done.ok() && follower.failure()) {
    return Error(*follower.failure()).While("follow the log of box " + box.id.str());
  }
  return done.ok() ? Status() : Status(done.error());
}

}  // namespace boxlite

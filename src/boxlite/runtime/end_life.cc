#include "boxlite/runtime/end_life.h"

#include <signal.h>

#include <algorithm>
#include <thread>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/evidence.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/lock_holders.h"
#include "boxlite/runtime/shim_client.h"

namespace boxlite {
namespace {

using Clock = std::chrono::steady_clock;

// The kernel tells nobody that an OFD lock became free: after a process's end it is microseconds.
constexpr milliseconds kLockPoll{2};

int Milliseconds(Clock::duration duration) {
  const auto count = std::chrono::duration_cast<milliseconds>(duration).count();
  return count < 0 ? 0 : static_cast<int>(count);
}

milliseconds CutGrace(milliseconds grace) {
  return std::clamp(grace, milliseconds(0), kLongestGrace);
}

bool StillAnswers(kj::AsyncIoContext& io, int box_fd, const BoxId& id) {
  return ShimClient::Connect(io, box_fd, id, std::nullopt, kHandshakeTimeout).ok();
}

// Waits for the shim's own graceful end. A shim that still answers may use its whole ceiling (a
// slow flush); one that does not has the flush budget only.
Result<bool> AwaitGracefulEnd(kj::AsyncIoContext& io, int box_fd, const BoxId& id,
                              const ProcessHandle& shim, milliseconds grace) {
  const Clock::time_point begin = Clock::now();
  BOXLITE_ASSIGN_OR_RETURN(bool ended, shim.WaitEnded(Milliseconds(grace + kCallerFlushBudget)));
  while (!ended && Clock::now() < begin + grace + kCallerCeiling) {
    // Its socket goes a moment before it does: who stopped answering may be writing its last word.
    if (!StillAnswers(io, box_fd, id)) return shim.WaitEnded(Milliseconds(kQuitBudget));
    BOXLITE_ASSIGN_OR_RETURN(ended, shim.WaitEnded(Milliseconds(kFlushProgressStep)));
  }
  return ended;
}

// The shim is gone; what it left running has been told to die by the kernel (parent-death signal).
// Whoever still carries the machine's lock after that is killed by what it carries.
Status ProveEmpty(int box_fd, std::string& forced) {
  BOXLITE_ASSIGN_OR_RETURN(bool free, AwaitLocksFree(box_fd, kQuitBudget));
  if (free) return {};
  for (const char* lock : {kVmLock, kShimLock}) {
    BOXLITE_ASSIGN_OR_RETURN(std::vector<LockHolderProcess> holders, FindLockHolders(box_fd, lock));
    for (const LockHolderProcess& holder : holders) {
      BOXLITE_RETURN_IF_ERROR(holder.handle.Signal(SIGKILL));
      forced += (forced.empty() ? "" : "; ") + std::string("killed ") + holder.name;
    }
  }
  BOXLITE_ASSIGN_OR_RETURN(free, AwaitLocksFree(box_fd, kKillBudget));
  if (free) return {};
  std::string names;
  for (const char* lock : {kVmLock, kShimLock}) {
    BOXLITE_ASSIGN_OR_RETURN(LockState state, ProbeLock(box_fd, lock));
    if (state == LockState::kFree) continue;
    BOXLITE_ASSIGN_OR_RETURN(std::vector<LockHolderProcess> holders, FindLockHolders(box_fd, lock));
    names += (names.empty() ? "" : ", ") + DescribeHolders(holders);
  }
  return Error(ErrorCode::kTimeout, "the box still lives after SIGKILL: " + names);
}

Result<EndReport> Report(int box_fd, std::string forced) {
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box_fd));
  EndReport report;
  if (evidence.main_exit.present()) report.exit = evidence.main_exit.value.exit;
  if (evidence.outcome.present() && !evidence.outcome.value.forced.empty()) {
    forced += (forced.empty() ? "" : "; ") + evidence.outcome.value.forced;
  }
  report.forced = !forced.empty();
  report.note = std::move(forced);
  return report;
}

}  // namespace

bool AskToEnd(kj::AsyncIoContext& io, int box_fd, const BoxId& id, const Evidence& evidence,
              milliseconds grace) {
  std::optional<std::string> life_id;
  if (evidence.record.present()) life_id = evidence.record.value.life_id;
  Result<std::unique_ptr<ShimClient>> client =
      ShimClient::Connect(io, box_fd, id, life_id, kHandshakeTimeout);
  if (!client.ok()) return false;
  auto request = (*client)->shim().stopRequest();
  request.setGraceMs(static_cast<std::uint32_t>(CutGrace(grace).count()));
  using Answer = capnp::Response<wire::Shim::StopResults>;
  Result<Answer> answer = (*client)->Await<Answer>(request.send(), kHandshakeTimeout);
  return answer.ok() && answer->getError().getCode() == 0;
}

Result<ProcessHandle> FindShim(int box_fd, const Evidence& evidence) {
  if (evidence.record.present()) {
    const LifeRecord& record = evidence.record.value;
    Result<ProcessHandle> handle = ProcessHandle::Open(record.shim, record.host);
    // Alive and the recorded one is not enough: it must carry this box's lock now.
    if (handle.ok() && CarriesLock(record.shim.pid, box_fd, kShimLock)) return handle;
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<LockHolderProcess> holders,
                           FindLockHolders(box_fd, kShimLock));
  if (!holders.empty()) return std::move(holders.front().handle);
  BOXLITE_ASSIGN_OR_RETURN(LockState state, ProbeLock(box_fd, kShimLock));
  if (state == LockState::kFree) {
    return Error(ErrorCode::kNotFound, "the box's supervisor has just left");
  }
  return Error(
      ErrorCode::kPermissionDenied,
      "the box's supervisor cannot be seen from here: it belongs to another user or runs in "
      "another pid namespace; stop the box from where it was started");
}

Result<bool> AwaitLocksFree(int box_fd, milliseconds wait) {
  const Clock::time_point deadline = Clock::now() + wait;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(LockState shim, ProbeLock(box_fd, kShimLock));
    BOXLITE_ASSIGN_OR_RETURN(LockState vm, ProbeLock(box_fd, kVmLock));
    if (shim == LockState::kFree && vm == LockState::kFree) return true;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kLockPoll);
  }
}

Result<EndReport> EndLife(kj::AsyncIoContext& io, int box_fd, const BoxId& id, milliseconds grace,
                          const std::function<void()>& when_asked) {
  grace = CutGrace(grace);
  std::string forced;
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box_fd));
  if (evidence.shim_lock == LockState::kHeld) {
    Result<ProcessHandle> shim = FindShim(box_fd, evidence);
    if (!shim.ok() && shim.error().code() != ErrorCode::kNotFound) return std::move(shim).error();
    if (shim.ok()) {
      // A stopped process can neither answer nor end by SIGTERM.
      BOXLITE_RETURN_IF_ERROR(shim->Signal(SIGCONT));
      milliseconds main_grace = grace;
      if (!AskToEnd(io, box_fd, id, evidence, grace)) {
        BOXLITE_RETURN_IF_ERROR(shim->Signal(SIGTERM));
        // A signal carries no grace: the shim then gives main the default one.
        main_grace = std::max(grace, kDefaultGrace);
      }
      if (when_asked) when_asked();
      BOXLITE_FAILPOINT("stop.asked");
      BOXLITE_ASSIGN_OR_RETURN(bool ended, AwaitGracefulEnd(io, box_fd, id, *shim, main_grace));
      if (!ended) {
        BOXLITE_RETURN_IF_ERROR(shim->Signal(SIGKILL));
        forced = "its supervisor did not end in time and was killed";
        BOXLITE_ASSIGN_OR_RETURN(ended, shim->WaitEnded(Milliseconds(kKillBudget)));
      }
    }
  }
  BOXLITE_FAILPOINT("stop.ended");
  if (Status empty = ProveEmpty(box_fd, forced); !empty.ok()) {
    return std::move(empty).error().While("end box " + id.str());
  }
  return Report(box_fd, std::move(forced));
}

}  // namespace boxlite

#include "boxlite/agent/agent_service.h"

#include <kj/debug.h>
#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <string>

#include "boxlite/agent/box_filesystem.h"
#include "boxlite/agent/box_look.h"
#include "boxlite/agent/console.h"
#include "boxlite/agent/personality.h"
#include "boxlite/agent/root_disk.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

// A program that was sent SIGKILL leaves as soon as the kernel lets go of it: longer than this
// means that it hangs in a system call that only the machine's end will break.
constexpr std::chrono::milliseconds kKilledLimit{3'000};
// The answer to shutdown() on its way to a host that may have stopped reading.
constexpr std::chrono::milliseconds kAnswerLimit{1'000};

Error WrongState(const char* what) { return Error(ErrorCode::kWrongState, what); }

kj::Duration AsDuration(std::chrono::milliseconds time) { return time.count() * kj::MILLISECONDS; }

template <typename Context>
kj::Promise<void> Answer(Context& context, const Status& status) {
  if (!status.ok()) ToWire(status, context.getResults().initError());
  return kj::READY_NOW;
}

void PowerOff() {
  Say("power off");
  ::reboot(RB_POWER_OFF);
}

}  // namespace

AgentService::AgentService(kj::AsyncIoContext& io, GuestPort& port)
    : io_(io), port_(port), timer_(io.provider->getTimer()), programs_(io.unixEventPort) {}

kj::Promise<void> AgentService::personalise(PersonaliseContext context) {
  const auto personality = context.getParams().getPersonality();
  Status applied = Personalise(personality);
  if (applied.ok()) context.getResults().setConfirmation(personality.getChallenge());
  return Answer(context, applied);
}

Status AgentService::Personalise(wire::Personality::Reader personality) {
  if (stage_ != Stage::kFresh) return WrongState("this guest has its personality already");
  const auto entropy = personality.getEntropy();
  PersonalityFacts facts;
  facts.entropy = {entropy.begin(), entropy.size()};
  facts.wall_clock_ns = personality.getWallClockNs();
  facts.hostname = AsText(personality.getHostname());
  BOXLITE_RETURN_IF_ERROR(ApplyPersonality(facts));
  BOXLITE_RETURN_IF_ERROR(PrepareEtcFiles(facts.hostname));
  box_id_ = personality.getBoxId().cStr();
  life_id_ = personality.getLifeId().cStr();
  stage_ = Stage::kPersonalised;
  Say("personalised: box " + box_id_ + ", life " + life_id_);
  return {};
}

kj::Promise<void> AgentService::mountRoot(MountRootContext context) {
  if (stage_ == Stage::kFresh) return Answer(context, WrongState("personalise comes first"));
  if (stage_ == Stage::kShuttingDown) return Answer(context, WrongState("the box is shut down"));
  Status mounted =
      MountRootDisk(context.getParams().getGrowToDisk() ? Growth::kGrowToDisk : Growth::kKeepSize);
  if (mounted.ok()) stage_ = Stage::kRootMounted;
  Say(mounted.ok() ? "root disk: mounted" : "root disk: " + mounted.error().message());
  return Answer(context, mounted);
}

Status AgentService::CheckMayStart(const ProgramPlan& plan) {
  switch (stage_) {
    case Stage::kFresh:
      return WrongState("personalise comes first");
    case Stage::kPersonalised:
      return WrongState("mountRoot comes first");
    case Stage::kShuttingDown:
      return WrongState("the box is being shut down");
    case Stage::kRootMounted:
      break;
  }
  if (plan.is_main) {
    if (main_ != nullptr) return WrongState("the box has its main command already");
  } else {
    BOXLITE_RETURN_IF_ERROR(CheckMainLives());
  }
  return programs_.CheckRoomFor(plan.id);
}

Status AgentService::CheckMainLives() const {
  KJ_IF_MAYBE (main, main_) {
    if ((*main)->ended()) return WrongState("the box's main command has ended");
    if (!main_executed_) return WrongState("the box's main command is still being started");
    return {};
  }
  return WrongState("the box has no main command yet");
}

Result<kj::Own<Program>> AgentService::Spawn(const ProgramPlan& plan) {
  BOXLITE_RETURN_IF_ERROR(CheckMayStart(plan));
  BOXLITE_ASSIGN_OR_RETURN(Cgroup cgroup, plan.is_main ? Cgroup::OfBox() : Cgroup::Make(plan.id));
  const int main_pidfd = plan.is_main ? -1 : KJ_ASSERT_NONNULL(main_)->pidfd();
  Result<SpawnedProgram> spawned = SpawnProgram(plan, cgroup.fd(), main_pidfd);
  if (!spawned.ok()) {
    cgroup.Remove();
    return std::move(spawned).error();
  }
  auto program =
      kj::refcounted<Program>(std::move(*spawned), std::move(cgroup), io_.unixEventPort, timer_);
  programs_.Add(plan.id, kj::addRef(*program));
  if (plan.is_main) main_ = kj::addRef(*program);
  return kj::mv(program);
}

kj::Promise<void> AgentService::start(StartContext context) {
  Result<ProgramPlan> plan = ReadPlan(context.getParams());
  if (!plan.ok()) return Answer(context, plan.error());
  Result<kj::Own<Program>> spawned = Spawn(*plan);
  if (!spawned.ok()) return Answer(context, spawned.error());
  kj::Own<Program> program = kj::mv(*spawned);
  Program& started = *program;
  return started.WhenExecuted().then([this, context, is_main = plan->is_main,
                                      program = kj::mv(program)](Status&& executed) mutable {
    if (is_main && !executed.ok()) main_ = nullptr;
    if (!executed.ok()) {
      ToWire(executed, context.getResults().initError());
      return;
    }
    if (is_main) main_executed_ = true;
    auto params = context.getParams();
    program->Connect(params.getStdout(), params.getStderr());
    auto results = context.getResults();
    results.setPid(program->pid());
    results.setProcess(NewProcessService(kj::mv(program)));
  });
}

kj::Promise<void> AgentService::EndPrograms(std::chrono::milliseconds grace) {
  if (!programs_.any_alive()) return kj::READY_NOW;
  kj::Promise<void> asked = kj::READY_NOW;
  if (grace.count() > 0) {
    SignalBoxCgroup(SIGTERM);
    asked = programs_.WhenAllEnded().exclusiveJoin(timer_.afterDelay(AsDuration(grace)));
  }
  return asked.then([this]() -> kj::Promise<void> {
    if (!programs_.any_alive()) return kj::READY_NOW;
    forced_ = true;
    Result<Cgroup> box = Cgroup::OfBox();
    Status killed = box.ok() ? box->Kill() : Status(box.error());
    if (!killed.ok()) Say("kill the programs: " + killed.error().message());
    // All are in main's pid namespace: when main has been reaped, none is left.
    return programs_.WhenAllEnded().exclusiveJoin(timer_.afterDelay(AsDuration(kKilledLimit)));
  });
}

Status AgentService::Flush() {
  Result<UnmountOutcome> unmounted = UnmountRootDisk();
  if (!unmounted.ok()) {
    forced_ = true;
    return std::move(unmounted).error();
  }
  if (*unmounted == UnmountOutcome::kReadOnly) forced_ = true;
  return {};
}

kj::Promise<void> AgentService::shutdown(ShutdownContext context) {
  if (stage_ == Stage::kFresh) return Answer(context, WrongState("personalise comes first"));
  if (stage_ == Stage::kShuttingDown) {
    return Answer(context, WrongState("the box is being shut down already"));
  }
  stage_ = Stage::kShuttingDown;
  return EndPrograms(std::chrono::milliseconds(context.getParams().getGraceMs()))
      .then([this, context]() mutable {
        Status flushed = Flush();
        Say(flushed.ok() ? "shut down" : "shut down: " + flushed.error().message());
        if (!flushed.ok()) ToWire(flushed, context.getResults().initError());
        context.getResults().setForced(forced_);
        power_off_ = port_.WhenFlushed()
                         .exclusiveJoin(timer_.afterDelay(AsDuration(kAnswerLimit)))
                         .then([]() { PowerOff(); })
                         .eagerlyEvaluate(nullptr);
      });
}

kj::Promise<void> AgentService::ping(PingContext) {
  KJ_REQUIRE(stage_ != Stage::kFresh, "personalise comes first");
  return kj::READY_NOW;
}

Status AgentService::CheckMayLook() const {
  if (stage_ == Stage::kShuttingDown) return WrongState("the box is being shut down");
  return main_executed_ ? Status() : WrongState("the box does not run yet");
}

kj::Promise<void> AgentService::processes(ProcessesContext context) {
  if (Status may = CheckMayLook(); !may.ok()) return Answer(context, may);
  return ListBoxProcesses().then([context](ProcessList&& list) mutable {
    auto results = context.getResults();
    ToWire(list, results.initProcesses(static_cast<unsigned>(list.processes.size())));
    results.setTotal(static_cast<std::uint32_t>(list.total));
  });
}

kj::Promise<void> AgentService::statistics(StatisticsContext context) {
  if (Status may = CheckMayLook(); !may.ok()) return Answer(context, may);
  FillStatistics(context.getResults().initStatistics());
  return kj::READY_NOW;
}

}  // namespace boxlite

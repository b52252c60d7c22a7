// The agent as the host's shim sees it: schema/agent.capnp.
#pragma once

#include <kj/async-io.h>

#include "agent.capnp.h"
#include "boxlite/agent/guest_port.h"
#include "boxlite/agent/program_table.h"

namespace boxlite {

class AgentService final : public wire::Agent::Server {
 public:
  AgentService(kj::AsyncIoContext& io, GuestPort& port);

  kj::Promise<void> personalise(PersonaliseContext context) override;
  kj::Promise<void> mountRoot(MountRootContext context) override;
  kj::Promise<void> start(StartContext context) override;
  kj::Promise<void> shutdown(ShutdownContext context) override;
  kj::Promise<void> ping(PingContext context) override;
  kj::Promise<void> pathInfo(PathInfoContext context) override;
  kj::Promise<void> pack(PackContext context) override;
  kj::Promise<void> unpack(UnpackContext context) override;
  kj::Promise<void> processes(ProcessesContext context) override;
  kj::Promise<void> statistics(StatisticsContext context) override;

 private:
  enum class Stage { kFresh, kPersonalised, kRootMounted, kShuttingDown };

  Status Personalise(wire::Personality::Reader personality);
  Status CheckMayStart(const ProgramPlan& plan);
  Status CheckMainLives() const;
  // Starts `work` in the box and hands its process to `results`, or an error.
  template <typename Context>
  kj::Promise<void> StartTransfer(Context context, ProgramPlan plan,
                                  kj::Maybe<wire::ByteSink::Client> sink);
  Status CheckMayLook() const;
  Result<kj::Own<Program>> Spawn(const ProgramPlan& plan);
  kj::Promise<void> EndPrograms(std::chrono::milliseconds grace);
  Status Flush();

  kj::AsyncIoContext& io_;
  GuestPort& port_;
  kj::Timer& timer_;
  ProgramTable programs_;
  Stage stage_ = Stage::kFresh;
  std::string box_id_;
  std::string life_id_;
  kj::Maybe<kj::Own<Program>> main_;
  bool main_executed_ = false;
  unsigned transfers_ = 0;  // so far: they name control groups
  bool forced_ = false;     // something had to be killed, or the root stayed mounted
  kj::Promise<void> power_off_ = kj::READY_NOW;
};

}  // namespace boxlite

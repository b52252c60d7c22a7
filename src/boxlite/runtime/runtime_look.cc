#include <time.h>

#include <algorithm>

#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/runtime_impl.h"

namespace boxlite {
namespace {

// Beyond what an honest guest sends: a list of nothing costs it a few bytes.
constexpr unsigned kMostProcesses = 10'000;

std::int64_t MonotonicNs() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

BoxProcess FromWire(wire::ProcessInfo::Reader info) {
  BoxProcess process;
  process.pid = info.getPid();
  process.parent = info.getParentPid();
  process.user = AsText(info.getUser());
  process.state = AsText(info.getState());
  process.started_ago_ms = info.getStartedAgoMs();
  process.cpu_ms = info.getCpuMs();
  process.resident_bytes = info.getResidentBytes();
  process.command = AsText(info.getCommand());
  process.exec_id = info.getExecId().cStr();
  return process;
}

std::optional<HostUse> UseOf(const std::optional<ProcessIdentity>& recorded,
                             const HostIdentity& host) {
  if (!recorded) return std::nullopt;
  Result<HostUse> use = ReadHostUse(*recorded, host);
  return use.ok() ? std::optional<HostUse>(*use) : std::nullopt;
}

}  // namespace

Result<std::unique_ptr<ShimClient>> RuntimeImpl::ConnectToLook(const OpenBox& box,
                                                               const std::string& verb) {
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  const DerivedState derived = DeriveState(evidence);
  if (derived.state != BoxState::kRunning) {
    return Error(ErrorCode::kWrongState, verb + " of box " + box.id.str() + ": it is " +
                                             std::string(BoxStateName(derived.state)) + ": " +
                                             derived.reason);
  }
  return ConnectLive(box);
}

Error RuntimeImpl::LookFailed(const OpenBox& box, const std::string& verb, Error error) {
  Result<Evidence> evidence = ReadEvidence(box.fd.get());
  if (evidence.ok()) {
    const DerivedState derived = DeriveState(*evidence);
    // It went away while we looked: that says more than a broken connection.
    if (derived.state != BoxState::kRunning) {
      error = Error(ErrorCode::kWrongState,
                    "it is " + std::string(BoxStateName(derived.state)) + ": " + derived.reason);
    }
  }
  return std::move(error).While(verb + " of box " + box.id.str());
}

Result<BoxProcesses> RuntimeImpl::Processes(const BoxId& id) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client, ConnectToLook(box, "top"));
  using Answer = capnp::Response<wire::Shim::ProcessesResults>;
  Result<Answer> answer =
      client->Await<Answer>(client->shim().processesRequest().send(), kLookTimeout);
  if (!answer.ok()) return LookFailed(box, "top", std::move(answer).error());
  if (Status status = boxlite::FromWire(answer->getError()); !status.ok()) {
    return LookFailed(box, "top", std::move(status).error());
  }
  BoxProcesses result;
  const auto list = answer->getProcesses();
  for (unsigned i = 0; i < std::min(list.size(), kMostProcesses); ++i) {
    result.processes.push_back(FromWire(list[i]));
  }
  result.total = std::max(answer->getTotal(), static_cast<std::uint32_t>(result.processes.size()));
  return result;
}

Result<BoxUse> RuntimeImpl::Statistics(const BoxId& id) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client, ConnectToLook(box, "stats"));
  using Answer = capnp::Response<wire::Shim::StatisticsResults>;
  Result<Answer> answer =
      client->Await<Answer>(client->shim().statisticsRequest().send(), kLookTimeout);
  if (!answer.ok()) return LookFailed(box, "stats", std::move(answer).error());
  if (Status status = boxlite::FromWire(answer->getError()); !status.ok()) {
    return LookFailed(box, "stats", std::move(status).error());
  }
  BoxUse use;
  use.at_ns = MonotonicNs();
  const auto guest = answer->getStatistics();
  use.cpu_ms = guest.getCpuMs();
  use.memory_bytes = guest.getMemoryBytes();
  use.memory_limit_bytes = guest.getMemoryLimitBytes();
  use.processes = guest.getProcesses();
  use.disk_used_bytes = guest.getDiskUsedBytes();
  use.disk_size_bytes = guest.getDiskSizeBytes();
  use.read_bytes = guest.getReadBytes();
  use.written_bytes = guest.getWrittenBytes();
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  if (evidence.record.present()) {
    const LifeRecord& record = evidence.record.value;
    use.shim = UseOf(record.shim, record.host);
    use.vm = UseOf(record.vm, record.host);
  }
  return use;
}

}  // namespace boxlite

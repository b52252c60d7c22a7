#include "boxlite/shim/shim_look.h"

#include "boxlite/rpc/error_mapping.h"
#include "boxlite/shim/shim.h"

namespace boxlite {
kj::Promise<void> AnswerProcesses(
    Shim& shim,
    capnp::CallContext<wire::Shim::ProcessesParams, wire::Shim::ProcessesResults> context) {
  return shim.WhenStarted()
      .then([&shim]() { return shim.machine().agent().processesRequest().send(); })
      .then([context](auto&& answer) mutable {
        auto results = context.getResults();
        if (Status said = FromWire(answer.getError()); !said.ok()) {
          ToWire(said, results.initError());
          return;
        }
        results.setProcesses(answer.getProcesses());
        results.setTotal(answer.getTotal());
      });
}

kj::Promise<void> AnswerStatistics(
    Shim& shim,
    capnp::CallContext<wire::Shim::StatisticsParams, wire::Shim::StatisticsResults> context) {
  return shim.WhenStarted()
      .then([&shim]() { return shim.machine().agent().statisticsRequest().send(); })
      .then([context](auto&& answer) mutable {
        auto results = context.getResults();
        if (Status said = FromWire(answer.getError()); !said.ok()) {
          ToWire(said, results.initError());
          return;
        }
        results.setStatistics(answer.getStatistics());
      });
}

}  // namespace boxlite

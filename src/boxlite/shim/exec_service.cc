#include "boxlite/shim/exec_service.h"

#include <kj/debug.h>

#include <algorithm>

#include "boxlite/base/wall_clock.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/create_box.h"
#include "boxlite/runtime/exec_options.h"
#include "boxlite/shim/exec_registry.h"

namespace boxlite {
namespace {

std::vector<std::string> ToStrings(capnp::List<capnp::Data>::Reader list) {
  std::vector<std::string> strings;
  for (const capnp::Data::Reader item : list) strings.emplace_back(AsText(item));
  return strings;
}

// The box's where the client said nothing.
Machine::Program Complete(wire::ExecSpec::Reader wanted, const BoxSpec& box) {
  Machine::Program program;
  program.role = wire::Agent::Role::EXEC;
  program.argv = ToStrings(wanted.getArgv());
  program.env = MergeEnvironment(box.env, ToStrings(wanted.getEnv()));
  program.working_dir = wanted.getWorkingDir().size() > 0
                            ? std::string(AsText(wanted.getWorkingDir()))
                            : box.working_dir;
  program.user = wanted.getUser().size() > 0 ? std::string(AsText(wanted.getUser())) : box.user;
  if (wanted.hasTerminal()) {
    program.terminal =
        TerminalSize{wanted.getTerminal().getRows(), wanted.getTerminal().getColumns()};
  }
  return program;
}

// Null sinks of a client are capabilities that are not there.
template <typename Params>
ExecHold::Sinks SinksOf(Params params) {
  ExecHold::Sinks sinks;
  if (params.hasStdout()) sinks.out = params.getStdout();
  if (params.hasStderr()) sinks.err = params.getStderr();
  return sinks;
}

Result<std::uint64_t> BeginAt(std::uint64_t from, const ExecStream& stream, const char* name) {
  if (from == kStreamEnd) return stream.end();
  if (from > stream.end()) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string(name) + " has only " + std::to_string(stream.end()) +
                     " bytes so far; it cannot go on at " + std::to_string(from));
  }
  return std::max(from, stream.begin());
}

}  // namespace

kj::Promise<void> StartExec(Shim& shim, ExecContext context) {
  const auto params = context.getParams();
  const auto wanted = params.getSpec();
  Machine::Program program = Complete(wanted, shim.birth().spec);
  program.id = shim.execs().NextId();
  ExecFacts facts;
  facts.id = program.id;
  facts.argv = program.argv;
  facts.terminal = wanted.hasTerminal();
  facts.started_ns = WallClockNowNs();
  kj::Own<Exec> exec = shim.execs().Prepare(std::move(facts));
  ExecHold::Rights rights;
  rights.feeds = wanted.getStdin() && !wanted.getDetached();
  ExecHold::Sinks sinks;
  if (!wanted.getDetached()) sinks = SinksOf(params);
  // Reads from the first byte on: nothing can be dropped before.
  auto hold = kj::heap<ExecHold>(shim.execs(), kj::addRef(*exec), rights, kj::mv(sinks));
  // A terminal without a client's input has none typed; it does not hang up.
  if (!wanted.getStdin() && !wanted.hasTerminal()) exec->EndInput();
  const std::chrono::milliseconds timeout(wanted.getTimeoutMs());
  auto out = exec->OutSink();
  auto err = exec->ErrSink();
  Machine::Starting starting = shim.machine().StartProgram(program, kj::mv(out), kj::mv(err));
  exec->Starting(kj::mv(starting.process));
  return starting.executed.then(
      [&shim, context, timeout, exec = kj::mv(exec), hold = kj::mv(hold)]() mutable {
        context.getResults().setId(exec->facts().id.c_str());
        shim.execs().Run(kj::mv(exec), timeout);
        context.getResults().setExecution(kj::mv(hold));
      });
}

void ListExecs(Shim& shim, ExecsContext context) {
  auto& all = shim.execs().all();
  auto list = context.getResults().initExecs(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < all.size(); ++i) all[i]->Describe(list[i]);
}

Status OpenExec(Shim& shim, OpenExecContext context) {
  const auto params = context.getParams();
  KJ_IF_MAYBE (exec, shim.execs().Find(params.getId())) {
    const std::string name = "exec " + exec->facts().id;
    ExecHold::Sinks sinks = SinksOf(params);
    const bool reads = sinks.out != nullptr || sinks.err != nullptr;
    if (reads && exec->being_read()) {
      return Error(ErrorCode::kConflict, "another client reads the output of " + name);
    }
    ExecHold::Rights rights;
    rights.feeds = params.getWithInput();
    if (rights.feeds && exec->being_fed()) {
      return Error(ErrorCode::kConflict, "another client feeds the input of " + name);
    }
    if (rights.feeds && !exec->ended() && !exec->input_open()) {
      return Error(ErrorCode::kWrongState, "the input of " + name + " has ended");
    }
    BOXLITE_ASSIGN_OR_RETURN(sinks.out_from,
                             BeginAt(params.getStdoutFrom(), exec->out(), "stdout"));
    BOXLITE_ASSIGN_OR_RETURN(sinks.err_from,
                             BeginAt(params.getStderrFrom(), exec->err(), "stderr"));
    auto results = context.getResults();
    results.setStdoutBegin(sinks.out_from);
    results.setStderrBegin(sinks.err_from);
    results.setExecution(
        kj::heap<ExecHold>(shim.execs(), kj::addRef(*exec), rights, kj::mv(sinks)));
    return {};
  }
  return Error(ErrorCode::kNotFound, std::string("no exec ") +
                                         PrintableText(params.getId().cStr()) +
                                         " is kept; 'boxlite exec ls' shows those that are");
}

}  // namespace boxlite

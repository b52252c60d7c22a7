// Execs: RuntimeImpl's calls on programs that run beside main.
#include <kj/debug.h>

#include <algorithm>

#include "boxlite/runtime/evidence.h"
#include "boxlite/runtime/exec_session.h"
#include "boxlite/runtime/runtime_impl.h"

namespace boxlite {
namespace {

template <typename Builder>
void FillList(Builder list, const std::vector<std::string>& strings) {
  for (unsigned i = 0; i < strings.size(); ++i) list.set(i, AsBytes(strings[i]));
}

void FillSpec(wire::ExecSpec::Builder spec, const ExecOptions& options) {
  FillList(spec.initArgv(static_cast<unsigned>(options.argv.size())), options.argv);
  FillList(spec.initEnv(static_cast<unsigned>(options.env.size())), options.env);
  spec.setWorkingDir(AsBytes(options.working_dir));
  spec.setUser(AsBytes(options.user));
  spec.setStdin(options.streams.stdin_fd >= 0);
  if (options.terminal) {
    auto terminal = spec.initTerminal();
    terminal.setRows(options.terminal->rows);
    terminal.setColumns(options.terminal->columns);
  }
  constexpr std::int64_t kLongest = UINT32_MAX;
  spec.setTimeoutMs(
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(options.timeout.count(), 0, kLongest)));
}

Status CheckOptions(const ExecOptions& options) {
  if (options.argv.empty()) return Error(ErrorCode::kInvalidArgument, "exec needs a command");
  if (options.timeout.count() < 0) {
    return Error(ErrorCode::kInvalidArgument, "a timeout cannot be negative");
  }
  return {};
}

using Started = capnp::Response<wire::Shim::ExecResults>;
using Opened = capnp::Response<wire::Shim::OpenExecResults>;

// A hold without streams.
Result<Opened> OpenSilently(ShimClient& client, const std::string& exec_id) {
  auto request = client.shim().openExecRequest();
  request.setId(exec_id.c_str());
  BOXLITE_ASSIGN_OR_RETURN(Opened opened, client.Await<Opened>(request.send()));
  BOXLITE_RETURN_IF_ERROR(FromWire(opened.getError()));
  return opened;
}

ExecInfo FromWireInfo(wire::ExecInfo::Reader from) {
  ExecInfo info;
  info.id = from.getId().cStr();
  for (const capnp::Data::Reader word : from.getArgv()) info.argv.emplace_back(AsText(word));
  info.running = from.getRunning();
  if (!info.running) info.exit = FromWireExit(from.getExit());
  info.timed_out = from.getTimedOut();
  info.terminal = from.getTerminal();
  info.attached = from.getAttached();
  info.started_ns = from.getStartedNs();
  info.ended_ns = from.getEndedNs();
  info.stdout_begin = from.getStdoutBegin();
  info.stdout_end = from.getStdoutEnd();
  info.stderr_begin = from.getStderrBegin();
  info.stderr_end = from.getStderrEnd();
  return info;
}

}  // namespace

Error RuntimeImpl::ExplainCut(Error error, const OpenBox& box, const std::string& exec_id) {
  if (error.code() != ErrorCode::kUnavailable) return error;
  Result<Evidence> evidence = ReadEvidence(box.fd.get());
  if (!evidence.ok()) return error;
  if (DeriveState(*evidence).state != BoxState::kRunning) {
    return BoxWentAway(box, Verb::kExec, std::move(error));
  }
  std::string text = "exec in box " + box.id.str() +
                     ": the connection to the box's supervisor was cut (" + error.message() + ")";
  if (!exec_id.empty()) text += "; " + exec_id + " goes on, and attach --exec finds it";
  return Error(ErrorCode::kUnavailable, text);
}

Result<ProgramEnd> RuntimeImpl::Exec(const BoxId& id, const ExecOptions& options) {
  BOXLITE_RETURN_IF_ERROR(CheckOptions(options));
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  ExecSession session(io(), options.streams);  // the connection's sinks use it: it goes last
  BOXLITE_ASSIGN_OR_RETURN(Connection connection,
                           ConnectForVerb(box, Verb::kExec, Attachment::kDetached));
  ShimClient& client = *connection.client;
  auto request = client.shim().execRequest();
  FillSpec(request.initSpec(), options);
  if (session.wants_output()) request.setStdout(session.OutputSink());
  if (session.wants_errors()) request.setStderr(session.ErrorSink());
  Result<Started> started = client.Await<Started>(request.send());
  if (!started.ok()) return ExplainCut(std::move(started).error(), box, "");
  BOXLITE_RETURN_IF_ERROR(FromWire(started->getError()));
  const std::string exec_id = started->getId().cStr();
  wire::Execution::Client execution = started->getExecution();
  if (options.on_started) options.on_started(exec_id);
  Result<ProgramEnd> end = session.Stay(client, execution);
  if (!end.ok()) return ExplainCut(std::move(end).error(), box, exec_id);
  end->exec_id = exec_id;
  return end;
}

Result<std::string> RuntimeImpl::ExecDetached(const BoxId& id, const ExecOptions& options) {
  BOXLITE_RETURN_IF_ERROR(CheckOptions(options));
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(Connection connection,
                           ConnectForVerb(box, Verb::kExec, Attachment::kDetached));
  ShimClient& client = *connection.client;
  auto request = client.shim().execRequest();
  FillSpec(request.initSpec(), options);
  request.getSpec().setDetached(true);
  Result<Started> started = client.Await<Started>(request.send());
  if (!started.ok()) return ExplainCut(std::move(started).error(), box, "");
  BOXLITE_RETURN_IF_ERROR(FromWire(started->getError()));
  const std::string exec_id = started->getId().cStr();
  if (options.on_started) options.on_started(exec_id);
  return exec_id;
}

Result<std::unique_ptr<ShimClient>> RuntimeImpl::ConnectForKept(const OpenBox& box,
                                                                const std::string& doing) {
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  const DerivedState derived = DeriveState(evidence);
  if (derived.state != BoxState::kRunning && derived.state != BoxState::kStarting) {
    return Error(ErrorCode::kWrongState, doing + " of box " + box.id.str() + ": the box is " +
                                             std::string(BoxStateName(derived.state)) +
                                             "; execs and what is kept of them end with its life");
  }
  return ConnectLive(box);
}

Result<ProgramEnd> RuntimeImpl::AttachExec(const BoxId& id, const std::string& exec_id,
                                           const AttachExecOptions& options) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  ExecSession session(io(), options.streams);  // the connection's sinks use it: it goes last
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client,
                           ConnectForKept(box, "attach to exec " + exec_id));
  auto request = client->shim().openExecRequest();
  request.setId(exec_id.c_str());
  request.setStdoutFrom(options.stdout_from);
  request.setStderrFrom(options.stderr_from);
  if (session.wants_output()) request.setStdout(session.OutputSink());
  if (session.wants_errors()) request.setStderr(session.ErrorSink());
  request.setWithInput(options.streams.stdin_fd >= 0);
  Result<Opened> opened = client->Await<Opened>(request.send());
  if (!opened.ok()) return ExplainCut(std::move(opened).error(), box, exec_id);
  BOXLITE_RETURN_IF_ERROR(FromWire(opened->getError()));
  wire::Execution::Client execution = opened->getExecution();
  if (options.on_begin) options.on_begin(opened->getStdoutBegin(), opened->getStderrBegin());
  Result<ProgramEnd> end = session.Stay(*client, execution);
  if (!end.ok()) return ExplainCut(std::move(end).error(), box, exec_id);
  end->exec_id = exec_id;
  return end;
}

Result<std::vector<ExecInfo>> RuntimeImpl::Execs(const BoxId& id) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client, ConnectForKept(box, "list execs"));
  using Listed = capnp::Response<wire::Shim::ExecsResults>;
  BOXLITE_ASSIGN_OR_RETURN(Listed listed,
                           client->Await<Listed>(client->shim().execsRequest().send()));
  BOXLITE_RETURN_IF_ERROR(FromWire(listed.getError()));
  std::vector<ExecInfo> infos;
  for (const auto info : listed.getExecs()) infos.push_back(FromWireInfo(info));
  return infos;
}

Result<ProgramEnd> RuntimeImpl::WaitExec(const BoxId& id, const std::string& exec_id) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client,
                           ConnectForKept(box, "wait for exec " + exec_id));
  BOXLITE_ASSIGN_OR_RETURN(Opened opened, OpenSilently(*client, exec_id));
  Result<ProgramEnd> end = ExecSession::AwaitEnd(*client, opened.getExecution());
  if (!end.ok()) return ExplainCut(std::move(end).error(), box, exec_id);
  end->exec_id = exec_id;
  return end;
}

Status RuntimeImpl::SignalExec(const BoxId& id, const std::string& exec_id, int number) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ShimClient> client,
                           ConnectForKept(box, "signal exec " + exec_id));
  BOXLITE_ASSIGN_OR_RETURN(Opened opened, OpenSilently(*client, exec_id));
  auto request = opened.getExecution().signalRequest();
  request.setNumber(number);
  using Answer = capnp::Response<wire::Execution::SignalResults>;
  BOXLITE_ASSIGN_OR_RETURN(Answer answer, client->Await<Answer>(request.send()));
  return FromWire(answer.getError());
}

}  // namespace boxlite

// FakeRuntime: boxes as a table in memory, for tests of what the command line does with answers and
// errors.
#pragma once

#include <signal.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

class FakeRuntime final : public Runtime {
 public:
  // name -> the error that every verb on the box answers with; nullopt: all goes well.
  std::map<std::string, std::optional<Error>> boxes;
  std::vector<std::string> calls;             // "stop aaa…", in order
  ProcessExit exit{.code = 0, .signal = {}};  // of Wait, Exec and RunForeground
  int raise_in_run = 0;                       // RunForeground sends it to this process
  EndReport end;
  std::optional<Error> create_error;
  BoxProcesses processes;
  BoxUse use;  // of the next Statistics(), which adds a second and half a second of CPU
  CreateOptions created;
  ExecOptions executed;
  ForegroundOptions foreground;
  AttachOptions attached;
  AttachExecOptions exec_attached;
  std::vector<ExecInfo> execs;
  std::uint64_t stdout_begin = 0;                     // as AttachExec tells it
  bool timed_out = false;                             // what Exec, AttachExec and WaitExec end by
  std::function<void(const ProgramStreams&)> on_run;  // called by RunForeground
  bool detaches = false;                              // RunForeground and Attach end by it
  BoxSpec spec;                                       // of every box, but for its names
  std::vector<BoxEvent> events;                       // that WatchEvents tells
  EventOptions watched;
  CopyOptions copied;
  CopyReport copy_report;

  Result<BoxId> Resolve(const std::string& reference) override {
    if (!boxes.contains(reference)) return Error(ErrorCode::kNotFound, "no such box: " + reference);
    return IdOf(reference);
  }
  Result<BoxId> Create(const CreateOptions& options) override {
    created = options;
    if (create_error) return *create_error;
    boxes.try_emplace(options.name);
    return IdOf(options.name);
  }
  Status Start(const BoxId& id, Attachment attachment) override {
    return Do(attachment == Attachment::kDetached ? "start" : "start attached", id);
  }
  Result<EndReport> Stop(const BoxId& id, std::chrono::milliseconds grace) override {
    BOXLITE_RETURN_IF_ERROR(Do("stop " + std::to_string(grace.count()), id));
    return end;
  }
  Status Kill(const BoxId& id, int signal_number) override {
    return Do("kill " + std::to_string(signal_number), id);
  }
  Status Remove(const BoxId& id, Force force) override {
    // Removal works on boxes that fail otherwise: it is what is done about them.
    calls.push_back((force == Force::kYes ? "rm -f " : "rm ") + id.str());
    const auto box = Find(id);
    if (box->second && box->second->code() == ErrorCode::kWrongState) return *box->second;
    boxes.erase(box);
    return {};
  }
  Result<ProgramEnd> Exec(const BoxId& id, const ExecOptions& options) override {
    executed = options;
    BOXLITE_RETURN_IF_ERROR(Do("exec", id));
    return End();
  }
  Result<CopyReport> Copy(const BoxId& id, const CopyOptions& options) override {
    copied = options;
    BOXLITE_RETURN_IF_ERROR(Do("cp", id));
    if (options.on_progress) options.on_progress(5, 10);
    return copy_report;
  }
  Result<std::string> ExecDetached(const BoxId& id, const ExecOptions& options) override {
    executed = options;
    BOXLITE_RETURN_IF_ERROR(Do("exec detached", id));
    return std::string("exec-1");
  }
  Result<ProgramEnd> AttachExec(const BoxId& id, const std::string& exec_id,
                                const AttachExecOptions& options) override {
    exec_attached = options;
    BOXLITE_RETURN_IF_ERROR(Do("attach " + exec_id, id));
    if (options.on_begin) options.on_begin(stdout_begin, options.stderr_from);
    return End();
  }
  Result<std::vector<ExecInfo>> Execs(const BoxId& id) override {
    BOXLITE_RETURN_IF_ERROR(Do("execs", id));
    return execs;
  }
  Result<ProgramEnd> WaitExec(const BoxId& id, const std::string& exec_id) override {
    BOXLITE_RETURN_IF_ERROR(Do("wait " + exec_id, id));
    return End();
  }
  Status SignalExec(const BoxId& id, const std::string& exec_id, int number) override {
    return Do("kill " + std::to_string(number) + " " + exec_id, id);
  }
  Result<ProcessExit> Wait(const BoxId& id) override {
    BOXLITE_RETURN_IF_ERROR(Do("wait", id));
    return exit;
  }
  Status Logs(const BoxId& id, const LogOptions&) override { return Do("logs", id); }
  Result<ProgramEnd> RunForeground(const BoxId& id, const ForegroundOptions& options) override {
    foreground = options;
    if (raise_in_run != 0) ::raise(raise_in_run);
    if (on_run) on_run(options.streams);
    BOXLITE_RETURN_IF_ERROR(
        Do(options.attachment == Attachment::kAttached ? "run" : "start and follow", id));
    return End();
  }
  Result<ProgramEnd> Attach(const BoxId& id, const AttachOptions& options) override {
    attached = options;
    BOXLITE_RETURN_IF_ERROR(Do("attach", id));
    return End();
  }
  Result<std::vector<BoxInfo>> List() override {
    std::vector<BoxInfo> list;
    for (const auto& [name, error] : boxes) list.push_back(Describe(name));
    return list;
  }
  Result<BoxInfo> Inspect(const BoxId& id) override {
    BOXLITE_RETURN_IF_ERROR(Do("inspect", id));
    return Describe(Find(id)->first);
  }
  Result<HomeInfo> Info() override { return HomeInfo{}; }
  Status Rename(const BoxId& id, const std::string& name) override {
    return Do("rename " + name, id);
  }
  // Every box may be pruned here, also one that runs.
  Result<PruneReport> Prune(const BoxPredicate& wanted) override {
    PruneReport report;
    for (const auto& [name, error] : boxes) {
      if (!wanted(Describe(name))) continue;
      if (error) report.failures.push_back(*error);
      if (!error) report.removed.push_back(IdOf(name));
    }
    report.reclaimed_bytes = 1'234'567 * report.removed.size();
    calls.push_back("prune");
    return report;
  }
  Result<std::uint64_t> DiskUsage(const BoxId&) override { return std::uint64_t{4096}; }
  Status WatchEvents(const EventOptions& options, const EventSink& sink) override {
    watched = options;
    for (const BoxEvent& event : events) BOXLITE_RETURN_IF_ERROR(sink.take(event));
    return {};
  }
  Result<BoxProcesses> Processes(const BoxId& id) override {
    BOXLITE_RETURN_IF_ERROR(Do("top", id));
    return processes;
  }
  Result<BoxUse> Statistics(const BoxId& id) override {
    BOXLITE_RETURN_IF_ERROR(Do("stats", id));
    use.at_ns += 1'000'000'000;
    use.cpu_ms += 500;
    return use;
  }

  // "web" -> "web000000000"
  static BoxId IdOf(std::string name) {
    name.resize(12, '0');
    return *BoxId::Parse(name);
  }

 private:
  std::map<std::string, std::optional<Error>>::iterator Find(const BoxId& id) {
    return std::find_if(boxes.begin(), boxes.end(),
                        [&](const auto& box) { return IdOf(box.first) == id; });
  }
  Status Do(const std::string& what, const BoxId& id) {
    calls.push_back(what + " " + id.str());
    const std::optional<Error>& error = Find(id)->second;
    return error ? Status(*error) : Status();
  }
  Result<ProgramEnd> End() const {
    ProgramEnd program_end;
    program_end.exit = exit;
    program_end.detached = detaches;
    program_end.timed_out = timed_out;
    return program_end;
  }
  // Boxes without an error run, the others have failed of it.
  BoxInfo Describe(const std::string& name) {
    BoxSpec described = spec;
    described.id = IdOf(name).str();
    described.name = name;
    described.argv = {"sleep", "1"};
    const std::optional<Error>& error = boxes.at(name);
    DerivedState derived{error ? BoxState::kFailed : BoxState::kRunning,
                         error ? error->message() : "main is running", std::nullopt};
    return BoxInfo{IdOf(name), described, derived, 1, {}, {}, {}, "ok"};
  }
};

}  // namespace boxlite::cli

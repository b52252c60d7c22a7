// lifecycle_tool: one verb of the Runtime API per process, as a user's process would call it.
// Prints one line of JSON: {"ok":true,...} or {"ok":false,"code":"wrong_state","message":"..."}.
//
//   lifecycle_tool create '<json>'          name, argv, env, labels, rm, image, memory, entrypoint
//   lifecycle_tool start ID | start-hold ID | attach-hold ID
//   lifecycle_tool foreground ID ['<json>'] main's output on stdout before the line
//   lifecycle_tool attach ID ['<json>']     the same, of a box that runs; the JSON may have
//     input: stdin goes to main · keys: what detaches · say: "attached" is printed first
//     follow: the life is not ours · control: an inherited descriptor, of which a byte N is a
//     resize to N x N, 'd' detaches, and another lower-case letter is SIGUSR1 to_inherited: main's
//     output goes to the inherited descriptor
//   lifecycle_tool stop ID GRACE_MS | restart ID GRACE_MS | kill ID SIGNAL | rm ID | rmf ID
//   lifecycle_tool exec ID ARG...           output on stdout before the line; input from stdin
//   lifecycle_tool exec-with ID '<json>' ARG... | exec-attach ID EXEC '<json>' | execs ID
//   lifecycle_tool exec-wait ID EXEC | exec-kill ID EXEC SIGNAL
//   lifecycle_tool wait ID | logs ID | follow ID | ls | inspect ID | resolve REF | detach ID
//   lifecycle_tool rename ID NAME | prune
//   lifecycle_tool events SINCE_NS          a line "<action> <id> <name> <exitCode>" each, until
//   its
//                                           input ends
//   lifecycle_tool pretend-shim ID          holds the locks as an older supervisor would, until
//   SIGTERM lifecycle_tool serve FUTEX_FD           one command a line, its words separated by
//   tabs; waits before
//                                           each for the shared word to reach the command's number
//
// *-hold blocks after success until it is killed, or its stdin ends.
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "boxlite/base/files.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/runtime.h"
#include "boxlite/runtime/shim_client.h"

namespace boxlite::testing {
namespace {

using Json = nlohmann::json;

constexpr int kInheritedFd = 10;  // tool_process.h

Json Failed(const Error& error) {
  return {{"ok", false}, {"code", ErrorCodeName(error.code())}, {"message", error.message()}};
}

Json FromExit(const ProcessExit& exit) {
  Json json = {{"shell", exit.ShellCode()}};
  if (exit.code) json["code"] = *exit.code;
  if (exit.signal) json["signal"] = *exit.signal;
  return json;
}

Json FromInfo(const BoxInfo& info) {
  Json json = {{"id", info.id.str()},           {"state", BoxStateName(info.derived.state)},
               {"reason", info.derived.reason}, {"life", info.life_number},
               {"handshake", info.handshake},   {"spec_ok", info.spec.ok()}};
  if (info.spec.ok()) json["name"] = info.spec->name;
  if (!info.spec.ok()) json["spec_code"] = ErrorCodeName(info.spec.error().code());
  if (info.derived.exit) json["exit"] = FromExit(*info.derived.exit);
  if (info.record) {
    json["life_id"] = info.record->life_id;
    json["shim_pid"] = info.record->shim.pid;
    json["phase"] = PhaseName(info.record->phase);
    if (info.record->vm) json["vm_pid"] = info.record->vm->pid;
  }
  if (info.outcome) {
    json["outcome"] = {{"kind", info.outcome->kind == OutcomeKind::kEnded ? "ended" : "failed"},
                       {"flushed", info.outcome->flushed},
                       {"forced", info.outcome->forced},
                       {"stage", info.outcome->stage},
                       {"reason", info.outcome->reason}};
  }
  return json;
}

// dump() of bytes that are not UTF-8 must not throw.
std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void Print(const Json& json) {
  const std::string line = Line(json);
  static_cast<void>(WriteAll(STDOUT_FILENO, line).ok());
}

CreateOptions ToOptions(const std::string& text) {
  const Json json = Json::parse(text);
  CreateOptions options;
  options.image = json.value("image", "boxlite/test");
  options.name = json.value("name", "");
  options.command = json.value("argv", std::vector<std::string>());
  options.env = json.value("env", std::vector<std::string>());
  options.labels = json.value("labels", std::map<std::string, std::string>());
  options.remove_on_exit = json.value("rm", false);
  options.interactive = json.value("interactive", false);
  options.terminal = json.value("terminal", false);
  options.hostname = json.value("hostname", "");
  if (json.contains("memory")) options.memory_mib = json["memory"].get<std::uint64_t>();
  // Bytes that JSON cannot carry.
  if (json.contains("raw_byte_argument")) options.command.push_back("\xff\xfe\n\x01");
  if (json.contains("raw_byte_env")) options.env.push_back("RAW=\xff\xfe\n\x01");
  if (json.contains("nul_argument")) options.command.push_back(std::string("a\0b", 3));
  return options;
}

Json FromStatus(const Status& status) {
  return status.ok() ? Json{{"ok", true}} : Failed(status.error());
}

Json FromEnd(const Result<EndReport>& report) {
  if (!report.ok()) return Failed(report.error());
  Json json = {{"ok", true}, {"forced", report->forced}, {"note", report->note}};
  if (report->exit) json["exit"] = FromExit(*report->exit);
  return json;
}

Json FromExitResult(const Result<ProcessExit>& exit) {
  if (!exit.ok()) return Failed(exit.error());
  return {{"ok", true}, {"exit", FromExit(*exit)}};
}

void HoldUntilInputEnds() {
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

Json Detach(const BoxId& id, const std::string& home_path) {
  Result<std::optional<Home>> home = Home::OpenIfExists(home_path);
  if (!home.ok()) return Failed(home.error());
  Result<Fd> box = (*home)->OpenBox(id);
  if (!box.ok()) return Failed(box.error());
  kj::AsyncIoContext io = kj::setupAsyncIo();
  auto client = ShimClient::Connect(io, box->get(), id, std::nullopt, std::chrono::seconds(3));
  if (!client.ok()) return Failed(client.error());
  using Answer = capnp::Response<wire::Shim::DetachResults>;
  auto answer = (*client)->Await<Answer>((*client)->shim().detachRequest().send());
  return answer.ok() ? Json{{"ok", true}} : Failed(answer.error());
}

// An older supervisor: it holds the locks, has a record of a form that nobody reads any more and no
// socket, and ends at SIGTERM.
Json PretendShim(const BoxId& id, const std::string& home_path) {
  sigset_t term;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &term, nullptr);
  Result<std::optional<Home>> home = Home::OpenIfExists(home_path);
  if (!home.ok()) return Failed(home.error());
  Result<Fd> box = (*home)->OpenBox(id);
  if (!box.ok()) return Failed(box.error());
  Result<OfdLock> shim_lock = OfdLock::TryAcquire(box->get(), kShimLock);
  Result<OfdLock> vm_lock = OfdLock::TryAcquire(box->get(), kVmLock);
  if (!shim_lock.ok() || !vm_lock.ok()) return {{"ok", false}, {"code", "locked"}};
  const std::string life = std::string(kLivesDir) + "/1";
  if (::mkdirat(box->get(), life.c_str(), 0700) != 0) return Failed(ErrnoError("mkdir"));
  const std::string record = "pid " + std::to_string(::getpid()) + "\n";
  const Status written =
      WriteFileAtomically(box->get(), life + "/record.json", record, Durability::kVolatile);
  if (!written.ok()) return Failed(written.error());
  Print({{"ok", true}});
  int number = 0;
  ::sigwait(&term, &number);
  return {{"ok", true}, {"terminated", true}};
}

Json FromProcesses(const Result<BoxProcesses>& processes) {
  if (!processes.ok()) return Failed(processes.error());
  Json json = {{"ok", true}, {"total", processes->total}, {"processes", Json::array()}};
  for (const BoxProcess& process : processes->processes) {
    json["processes"].push_back({{"pid", process.pid},
                                 {"user", process.user},
                                 {"exec", process.exec_id},
                                 {"cpu_ms", process.cpu_ms},
                                 {"command", process.command}});
  }
  return json;
}

Json FromHostUse(const std::optional<HostUse>& use) {
  if (!use) return nullptr;
  return {{"pid", use->pid}, {"rss_bytes", use->resident_bytes}};
}

Json FromUse(const Result<BoxUse>& use) {
  if (!use.ok()) return Failed(use.error());
  return {{"ok", true},
          {"cpu_ms", use->cpu_ms},
          {"memory_bytes", use->memory_bytes},
          {"processes", use->processes},
          {"shim", FromHostUse(use->shim)},
          {"vm", FromHostUse(use->vm)}};
}

class Tool {
 public:
  explicit Tool(Runtime& runtime) : runtime_(runtime) {}

  Json Do(const std::vector<std::string>& words) {
    const std::string& verb = words.at(0);
    if (verb == "create") return Create(words.at(1));
    if (verb == "ls") return List();
    if (verb == "info") return Info();
    if (verb == "prune") return Prune();
    if (verb == "events") return Events(std::stoll(words.at(1)));
    Result<BoxId> id = runtime_.Resolve(words.at(1));
    if (!id.ok()) return Failed(id.error());
    if (verb == "resolve") return {{"ok", true}, {"id", id->str()}};
    return OnBox(verb, *id, words);
  }

 private:
  Json OnBox(const std::string& verb, const BoxId& id, const std::vector<std::string>& words) {
    if (verb == "start") return FromStatus(runtime_.Start(id, Attachment::kDetached));
    if (verb == "start-hold") return Hold(id, Attachment::kDetached);
    if (verb == "attach-hold") return Hold(id, Attachment::kAttached);
    if (verb == "foreground" || verb == "attach") {
      return StayWithMain(verb, id, words.size() > 2 ? words[2] : "{}");
    }
    if (verb == "stop") return FromEnd(runtime_.Stop(id, Milliseconds(words.at(2))));
    if (verb == "restart") {
      Result<EndReport> stopped = runtime_.Stop(id, Milliseconds(words.at(2)));
      if (!stopped.ok()) return Failed(stopped.error());
      return FromStatus(runtime_.Start(id, Attachment::kDetached));
    }
    if (verb == "kill") return FromStatus(runtime_.Kill(id, std::stoi(words.at(2))));
    if (verb == "rm") return FromStatus(runtime_.Remove(id, Runtime::Force::kNo));
    if (verb == "rmf") return FromStatus(runtime_.Remove(id, Runtime::Force::kYes));
    if (verb == "exec" || verb == "exec-in") {
      ExecOptions options;
      options.argv.assign(words.begin() + 2, words.end());
      if (verb == "exec-in") options.streams.stdin_fd = STDIN_FILENO;
      options.streams.out.fd = STDOUT_FILENO;
      options.streams.err.fd = STDERR_FILENO;
      return FromProgramEnd(runtime_.Exec(id, options));
    }
    if (verb == "cp-out") {
      CopyOptions options;
      options.direction = CopyOptions::Direction::kOutOfBox;
      options.box_path = words.at(2);
      options.stream_fd = STDOUT_FILENO;
      Result<CopyReport> report = runtime_.Copy(id, options);
      return FromStatus(report.ok() ? Status() : Status(std::move(report).error()));
    }
    if (verb == "exec-with") return ExecWith(id, words);
    if (verb == "exec-attach") return AttachExec(id, words.at(2), Json::parse(words.at(3)));
    if (verb == "execs") return Execs(id);
    if (verb == "exec-wait") return FromProgramEnd(runtime_.WaitExec(id, words.at(2)));
    if (verb == "exec-kill") {
      return FromStatus(runtime_.SignalExec(id, words.at(2), std::stoi(words.at(3))));
    }
    if (verb == "wait") return FromExitResult(runtime_.Wait(id));
    if (verb == "logs" || verb == "follow") {
      LogOptions options;
      options.follow = verb == "follow";
      return FromStatus(runtime_.Logs(id, options));
    }
    if (verb == "rename") return FromStatus(runtime_.Rename(id, words.at(2)));
    if (verb == "inspect") {
      Result<BoxInfo> info = runtime_.Inspect(id);
      if (!info.ok()) return Failed(info.error());
      Json json = FromInfo(*info);
      json["ok"] = true;
      return json;
    }
    if (verb == "top") return FromProcesses(runtime_.Processes(id));
    if (verb == "stats") return FromUse(runtime_.Statistics(id));
    if (verb == "pretend-shim") return PretendShim(id, std::getenv("BOXLITE_HOME"));
    if (verb == "detach") return Detach(id, std::getenv("BOXLITE_HOME"));
    return {{"ok", false}, {"code", "usage"}, {"message", "no verb " + verb}};
  }

  // What {"input", "detach", "out", "timeout", "say", "keys"} wish: out is "stdout", "inherited" or
  // "none"; say prints the exec's id, or where its streams begin, on stderr.
  static ProgramStreams StreamsOf(const Json& wish) {
    ProgramStreams streams;
    const std::string out = wish.value("out", "stdout");
    if (out == "stdout") streams.out.fd = STDOUT_FILENO;
    if (out == "inherited") streams.out.fd = kInheritedFd;
    if (out != "none") streams.err.fd = STDERR_FILENO;
    if (wish.value("input", false)) streams.stdin_fd = STDIN_FILENO;
    streams.detach_keys = wish.value("keys", "");
    return streams;
  }

  Json ExecWith(const BoxId& id, const std::vector<std::string>& words) {
    const Json wish = Json::parse(words.at(2));
    ExecOptions options;
    options.argv.assign(words.begin() + 3, words.end());
    options.streams = StreamsOf(wish);
    options.timeout = std::chrono::milliseconds(wish.value("timeout", 0));
    if (wish.value("say", false)) {
      options.on_started = [](const std::string& exec_id) {
        static_cast<void>(WriteAll(STDOUT_FILENO, exec_id + "\n").ok());
      };
    }
    if (!wish.value("detach", false)) return FromProgramEnd(runtime_.Exec(id, options));
    Result<std::string> exec_id = runtime_.ExecDetached(id, options);
    if (!exec_id.ok()) return Failed(exec_id.error());
    return {{"ok", true}, {"exec", *exec_id}};
  }

  Json AttachExec(const BoxId& id, const std::string& exec_id, const Json& wish) {
    AttachExecOptions options;
    options.stdout_from = wish.value("from", std::uint64_t{0});
    options.streams = StreamsOf(wish);
    std::uint64_t begin = 0;
    options.on_begin = [&](std::uint64_t stdout_begin, std::uint64_t) {
      begin = stdout_begin;
      if (wish.value("say", false)) static_cast<void>(WriteAll(STDOUT_FILENO, "attached\n").ok());
    };
    Json json = FromProgramEnd(runtime_.AttachExec(id, exec_id, options));
    json["begin"] = begin;
    return json;
  }

  Json Execs(const BoxId& id) {
    Result<std::vector<ExecInfo>> execs = runtime_.Execs(id);
    if (!execs.ok()) return Failed(execs.error());
    Json json = {{"ok", true}, {"execs", Json::array()}};
    for (const ExecInfo& exec : *execs) {
      Json one = {{"id", exec.id},
                  {"argv", exec.argv},
                  {"running", exec.running},
                  {"timed_out", exec.timed_out},
                  {"attached", exec.attached},
                  {"begin", exec.stdout_begin},
                  {"end", exec.stdout_end}};
      if (exec.exit) one["exit"] = FromExit(*exec.exit);
      json["execs"].push_back(std::move(one));
    }
    return json;
  }

  Json StayWithMain(const std::string& verb, const BoxId& id, const std::string& text) {
    const Json wish = Json::parse(text);
    ProgramStreams streams;
    streams.out.fd = STDOUT_FILENO;
    streams.err.fd = STDERR_FILENO;
    if (wish.value("to_inherited", false)) streams.out.fd = kInheritedFd;
    if (wish.value("to_inherited", false)) streams.out.fd = kInheritedFd;
    if (wish.value("input", false)) streams.stdin_fd = STDIN_FILENO;
    streams.detach_keys = wish.value("keys", "");
    if (wish.value("control", false)) {
      streams.controls.push_back({kInheritedFd, [](ProgramControls& main) {
                                    char byte = 0;
                                    if (::read(kInheritedFd, &byte, 1) != 1) return;
                                    if (byte == 'd') return main.Detach();
                                    if (byte >= 'a') return main.Signal(SIGUSR1);
                                    const auto size = static_cast<std::uint16_t>(byte);
                                    main.Resize({size, size});
                                  }});
    }
    const auto say = [wish]() {
      if (wish.value("say", false)) static_cast<void>(WriteAll(STDOUT_FILENO, "attached\n").ok());
    };
    const TerminalSize size = {wish.value("rows", std::uint16_t{0}),
                               wish.value("columns", std::uint16_t{0})};
    if (verb == "attach") return FromProgramEnd(runtime_.Attach(id, {streams, size, say}));
    Runtime::ForegroundOptions options;
    options.streams = streams;
    options.terminal_size = size;
    if (wish.value("follow", false)) options.attachment = Attachment::kDetached;
    options.on_started = say;
    return FromProgramEnd(runtime_.RunForeground(id, options));
  }

  static Json FromProgramEnd(const Result<ProgramEnd>& end) {
    if (!end.ok()) return Failed(end.error());
    if (end->detached) return {{"ok", true}, {"detached", true}};
    return {{"ok", true},
            {"exit", FromExit(end->exit)},
            {"exec", end->exec_id},
            {"timed_out", end->timed_out},
            {"stdout_end", end->stdout_end},
            {"stderr_end", end->stderr_end}};
  }

  static std::chrono::milliseconds Milliseconds(const std::string& text) {
    return std::chrono::milliseconds(std::stol(text));
  }

  Json Create(const std::string& options) {
    Result<BoxId> id = runtime_.Create(ToOptions(options));
    if (!id.ok()) return Failed(id.error());
    return {{"ok", true}, {"id", id->str()}};
  }

  Json List() {
    Result<std::vector<BoxInfo>> boxes = runtime_.List();
    if (!boxes.ok()) return Failed(boxes.error());
    Json json = {{"ok", true}, {"boxes", Json::array()}};
    for (const BoxInfo& box : *boxes) json["boxes"].push_back(FromInfo(box));
    return json;
  }

  Json Info() {
    Result<HomeInfo> info = runtime_.Info();
    if (!info.ok()) return Failed(info.error());
    return {{"ok", true}, {"boxes", info->boxes}, {"running", info->running}};
  }

  Json Prune() {
    Result<PruneReport> report = runtime_.Prune([](const BoxInfo&) { return true; });
    if (!report.ok()) return Failed(report.error());
    Json json = {{"ok", report->failures.empty()},
                 {"removed", Json::array()},
                 {"bytes", report->reclaimed_bytes}};
    for (const BoxId& id : report->removed) json["removed"].push_back(id.str());
    return json;
  }

  Json Events(std::int64_t since_ns) {
    EventOptions options;
    options.since_ns = since_ns;
    options.stop_fd = STDIN_FILENO;
    EventSink sink;
    sink.take = [](const BoxEvent& event) {
      const auto code = event.attributes.find("exitCode");
      return WriteAll(STDOUT_FILENO,
                      std::string(EventName(event.kind)) + " " + event.id.str() + " " + event.name +
                          " " + (code == event.attributes.end() ? "" : code->second) + "\n");
    };
    sink.note = [](const std::string&) {
      static_cast<void>(WriteAll(STDOUT_FILENO, "note - -\n").ok());
    };
    return FromStatus(runtime_.WatchEvents(options, sink));
  }

  Json Hold(const BoxId& id, Attachment attachment) {
    const Status started = runtime_.Start(id, attachment);
    if (!started.ok()) return FromStatus(started);
    Print({{"ok", true}});
    HoldUntilInputEnds();
    return {{"ok", true}, {"held", true}};
  }

  Runtime& runtime_;
};

Json DoOnce(const std::vector<std::string>& words) {
  Result<std::unique_ptr<Runtime>> runtime = Runtime::Open({});
  if (!runtime.ok()) return Failed(runtime.error());
  return Tool(**runtime).Do(words);
}

void AwaitTurn(std::atomic<std::uint32_t>* word, std::uint32_t turn) {
  for (std::uint32_t now; (now = word->load()) < turn;) {
    ::syscall(SYS_futex, word, FUTEX_WAIT, now, nullptr, nullptr, 0);
  }
}

int Serve(int futex_fd) {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, futex_fd, 0);
  if (page == MAP_FAILED) return 2;
  auto* word = static_cast<std::atomic<std::uint32_t>*>(page);
  std::uint32_t turn = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> words;
    std::istringstream parts(line);
    for (std::string part; std::getline(parts, part, '\t');) words.push_back(part);
    AwaitTurn(word, ++turn);
    Print(DoOnce(words));
  }
  return 0;
}

int Main(const std::vector<std::string>& words) {
  if (words.empty()) return 2;
  if (words[0] == "serve") return Serve(std::stoi(words.at(1)));
  const Json answer = DoOnce(words);
  Print(answer);
  return answer["ok"].get<bool>() ? 0 : 1;
}

}  // namespace
}  // namespace boxlite::testing

int main(int argc, char** argv) {
  // The library lets no exception out; one that comes here is a defect and must show as one.
  return boxlite::testing::Main(std::vector<std::string>(argv + 1, argv + argc));
}

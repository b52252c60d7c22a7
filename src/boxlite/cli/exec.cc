#include <unistd.h>

#include "boxlite/cli/box_options.h"
#include "boxlite/cli/client_options.h"
#include "boxlite/cli/exec_list.h"
#include "boxlite/cli/program_client.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/run_errors.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"env", 'e', "NAME[=VALUE]",
     "Set a variable over the box's; without =VALUE the caller's value"},
    {"env-file", 0, "FILE", "Set variables from a file, one NAME[=VALUE] a line"},
    {"workdir", 'w', "DIR", "Directory to start in (the box's unless said)"},
    {"user", 'u', "USER[:GROUP]", "User to run as (the box's unless said)"},
    {"interactive", 'i', "", "Pass stdin on; without it the command reads end-of-file"},
    {"tty", 't', "", "Give the command a terminal"},
    {"detach", 'd', "", "Leave it to itself and print its exec id; 'exec ls' and 'attach' find it"},
    {"timeout", 0, "SECONDS", "End it, and all that it started, after this time (10, 30s, 5m, 1h)"},
    kDetachKeysOption,
};
constexpr Option kUnavailable[] = {{"privileged", 0, "", ""}};

int ExecuteDetached(Session& session, Runtime& runtime, const BoxId& id,
                    const ExecRequest& request) {
  ExecOptions options = request.options;
  if (request.interactive) options.streams.stdin_fd = STDIN_FILENO;  // kept open, not read
  if (request.terminal) options.terminal = TerminalSize{0, 0};
  Result<std::string> exec_id = runtime.ExecDetached(id, options);
  if (!exec_id.ok()) {
    session.console().Report(exec_id.error());
    return CommandExitCode(exec_id.error());
  }
  session.console().Print(*exec_id + "\n");
  return kExitOk;
}

int ExecuteExec(Session& session, const ExecRequest& request) {
  Console& console = session.console();
  WarnOfUnknown(console, request.unknown_variables);
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.box);
  if (request.list && !id.ok() && id.error().code() == ErrorCode::kNotFound) {
    return ExecuteExecList(session, **runtime, *request.list);
  }
  if (!id.ok()) return session.Fail(id.error());
  if (request.detach) return ExecuteDetached(session, **runtime, *id, request);
  ProgramClient::Wish wish;
  wish.input = request.interactive;
  wish.terminal = request.terminal;
  wish.proxies_signals = false;  // as docker's: what ends this process leaves the command alone
  wish.detach_keys = request.client.detach_keys;
  Result<std::unique_ptr<ProgramClient>> client = ProgramClient::Open(console, std::move(wish));
  if (!client.ok()) return session.Fail(client.error());
  ExecOptions options = request.options;
  options.streams = (*client)->streams();
  if (request.terminal) options.terminal = (*client)->size();
  (*client)->Begin();
  Result<ProgramEnd> end = (*runtime)->Exec(*id, options);
  (*client)->End();
  if (end.ok()) return ExitCodeOf(*end);
  console.Report(end.error());
  return CommandExitCode(end.error());
}

}  // namespace

Result<ExecRequest> ParseExec(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (words.empty() || words[0].empty()) {
    return Error(ErrorCode::kInvalidArgument, "a box and a command are missing");
  }
  ExecRequest request;
  request.box = words[0];
  // `exec BOX -- COMMAND` means the same as `exec BOX COMMAND`; a second -- is the command's.
  const std::size_t begin = words.size() > 1 && words[1] == "--" ? 2 : 1;
  request.options.argv.assign(words.begin() + static_cast<std::ptrdiff_t>(begin), words.end());
  if (request.options.argv.empty() || request.options.argv[0].empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "a command to run in box " + words[0] + " is missing");
  }
  request.options.working_dir = arguments.LastOr("workdir", "");
  request.options.user = arguments.LastOr("user", "");
  request.interactive = arguments.Has("interactive");
  request.terminal = arguments.Has("tty");
  request.detach = arguments.Has("detach");
  if (const std::optional<std::string> timeout = arguments.Last("timeout")) {
    Result<std::chrono::milliseconds> time = ParseDuration(*timeout);
    if (!time.ok()) return std::move(time).error().While("--timeout");
    request.options.timeout = *time;
  }
  const bool plain = !request.interactive && !request.terminal && !request.detach;
  if (plain && request.box == "ls") request.list = ParseExecList(std::span(words).subspan(1));
  BOXLITE_ASSIGN_OR_RETURN(request.client, ParseClient(arguments));
  BOXLITE_ASSIGN_OR_RETURN(Environment environment, ParseEnvironment(arguments));
  request.options.env = std::move(environment.variables);
  request.unknown_variables = std::move(environment.unknown);
  return request;
}

constinit const Subcommand kExec = {
    .name = "exec",
    .aliases = "",
    .purpose = "Run another command in a running box",
    .usage = "[OPTIONS] BOX [--] COMMAND [ARG...] | exec ls BOX",
    .notes =
        "Options end at the box: all behind it is the command, verbatim.\n"
        "A stopped box that has no command of its own (none was given to run or create) is\n"
        "started for it.\n"
        "Exit codes: the command's own, 128 + N for signal N, 127 and 126 when it could not be "
        "found\n"
        "or run, 124 when its timeout ended it.\n"
        "A command whose client is cut off lives on: 'boxlite exec ls BOX' lists what runs and "
        "what\n"
        "is kept of the last ones ('ls' is a command only when a box is called ls), 'boxlite "
        "attach\n"
        "--exec ID BOX' joins one, 'wait --exec' and 'kill --exec' do what they say.\n",
    .examples =
        "boxlite exec web ps\n"
        "boxlite exec -it web sh\n"
        "boxlite exec -d --timeout 5m web make\n"
        "boxlite exec ls web\n"
        "boxlite exec -i db -- sh -c 'cat > /tmp/dump' < dump\n",
    .syntax = {kOptions, kUnavailable, Positionals::kEndOptions},
    .prepare = Prepare<ParseExec, ExecuteExec>,
};

}  // namespace boxlite::cli

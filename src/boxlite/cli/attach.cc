#include "boxlite/cli/client_options.h"
#include "boxlite/cli/each_box.h"
#include "boxlite/cli/program_client.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"no-stdin", 0, "", "Only watch: pass nothing of stdin on"},
    {"exec", 0, "ID", "Join this exec instead of the main command"},
    {"interactive", 'i', "", "With --exec: pass stdin on to it"},
    {"stdout-from", 0, "BYTE", "With --exec: go on at this byte of stdout (0 unless said)"},
    {"stderr-from", 0, "BYTE", "With --exec: the same for stderr"},
    kSigProxyOption,
    kDetachKeysOption,
};

void TellGap(Console& console, const char* stream, std::uint64_t from, std::uint64_t begin) {
  if (begin > from) {
    console.Note(std::to_string(begin - from) + " bytes of " + stream + " are gone");
  }
}

Result<ExecInfo> FindExec(Runtime& runtime, const BoxId& id, const std::string& exec_id) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<ExecInfo> execs, runtime.Execs(id));
  for (ExecInfo& exec : execs) {
    if (exec.id == exec_id) return std::move(exec);
  }
  return Error(ErrorCode::kNotFound,
               "no exec " + exec_id + " is kept; 'boxlite exec ls' shows those that are");
}

constexpr std::string_view kOnlyWatch = "with --no-stdin it only watches";

int AttachToExec(Session& session, Runtime& runtime, const BoxId& id,
                 const AttachRequest& request) {
  Console& console = session.console();
  Result<ExecInfo> exec = FindExec(runtime, id, request.exec);
  if (!exec.ok()) return session.Fail(exec.error());
  ProgramClient::Wish wish;
  wish.terminal = exec->terminal && exec->running;
  wish.input = (request.interactive || wish.terminal) && !request.no_stdin;
  wish.proxies_signals = false;  // as exec's
  wish.detach_keys = request.client.detach_keys;
  wish.without_terminal = kOnlyWatch;
  Result<std::unique_ptr<ProgramClient>> client = ProgramClient::Open(console, std::move(wish));
  if (!client.ok()) return session.Fail(client.error());
  AttachExecOptions options;
  options.stdout_from = request.stdout_from;
  options.stderr_from = request.stderr_from;
  options.streams = (*client)->streams();
  options.on_begin = [&](std::uint64_t stdout_begin, std::uint64_t stderr_begin) {
    TellGap(console, "stdout", request.stdout_from, stdout_begin);
    TellGap(console, "stderr", request.stderr_from, stderr_begin);
    (*client)->Begin();
  };
  Result<ProgramEnd> end = runtime.AttachExec(id, request.exec, options);
  (*client)->End();
  return end.ok() ? ExitCodeOf(*end) : session.Fail(end.error());
}

Result<std::uint64_t> ParseOffset(const Arguments& arguments, std::string_view option) {
  const std::optional<std::string> text = arguments.Last(option);
  if (!text) return std::uint64_t{0};
  Result<std::uint64_t> offset = ParseNumber(*text, kStreamEnd - 1);
  if (!offset.ok()) return std::move(offset).error().While("--" + std::string(option));
  return offset;
}

int ExecuteAttach(Session& session, const AttachRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.box);
  if (!id.ok()) return session.Fail(id.error());
  if (!request.exec.empty()) return AttachToExec(session, **runtime, *id, request);
  Result<BoxInfo> box = (*runtime)->Inspect(*id);
  if (!box.ok()) return session.Fail(box.error());
  if (!box->spec.ok()) return session.Fail(box->spec.error());
  ProgramClient::Wish wish;
  // As docker: the input of a box made without -i is nobody's to feed.
  wish.input = box->spec->interactive && !request.no_stdin;
  wish.terminal = box->spec->terminal;
  wish.proxies_signals = request.client.proxies_signals;
  wish.detach_keys = request.client.detach_keys;
  wish.without_terminal = kOnlyWatch;
  Result<std::unique_ptr<ProgramClient>> client =
      ProgramClient::Open(session.console(), std::move(wish));
  if (!client.ok()) return session.Fail(client.error());
  Runtime::AttachOptions options;
  options.streams = (*client)->streams();
  if (box->spec->terminal) options.terminal_size = (*client)->size();
  options.on_attached = [&client] { (*client)->Begin(); };
  Result<ProgramEnd> end = (*runtime)->Attach(*id, options);
  (*client)->End();
  if (end.ok()) return ExitCodeOf(*end);
  if (IsOfReaderThatLeft(end.error(), session.console().out_fd())) return kExitReaderLeft;
  return session.Fail(end.error());
}

}  // namespace

Result<AttachRequest> ParseAttach(const Arguments& arguments) {
  if (arguments.positionals().size() != 1 || arguments.positionals()[0].empty()) {
    return Error(ErrorCode::kInvalidArgument, "attach takes one box");
  }
  AttachRequest request;
  request.box = arguments.positionals()[0];
  request.no_stdin = arguments.Has("no-stdin");
  BOXLITE_ASSIGN_OR_RETURN(request.exec, ParseExecId(arguments, arguments.positionals()));
  request.interactive = arguments.Has("interactive");
  BOXLITE_ASSIGN_OR_RETURN(request.stdout_from, ParseOffset(arguments, "stdout-from"));
  BOXLITE_ASSIGN_OR_RETURN(request.stderr_from, ParseOffset(arguments, "stderr-from"));
  if (request.exec.empty()) {
    for (const char* option : {"stdout-from", "stderr-from"}) {
      if (arguments.Last(option)) {
        return Error(ErrorCode::kInvalidArgument,
                     "--" + std::string(option) + " is for an exec: it needs --exec");
      }
    }
    if (request.interactive) {
      return Error(ErrorCode::kInvalidArgument, "--interactive is for an exec: it needs --exec");
    }
  }
  BOXLITE_ASSIGN_OR_RETURN(request.client, ParseClient(arguments));
  return request;
}

constinit const Subcommand kAttach = {
    .name = "attach",
    .aliases = "",
    .purpose = "Join the main command of a running box: its output from now on, its input",
    .usage = "[OPTIONS] BOX",
    .notes =
        "Several may be attached at once. Input is passed on to a box that was made with -i. The\n"
        "detach keys, and any end of this command, leave the box as it is; attach exits with the\n"
        "main command's code when that ends, and with 0 after the detach keys.\n"
        "What was written before is in 'boxlite logs'.\n"
        "With --exec: join an exec that somebody started, or started and lost; what is kept of "
        "its\n"
        "output comes first, from the byte that is asked for, and bytes that are gone are told on\n"
        "stderr. One client at a time reads an exec.\n",
    .examples =
        "boxlite run -dit --name work boxlite/base sh\n"
        "boxlite attach work\n"
        "boxlite attach --no-stdin --sig-proxy=false work\n"
        "boxlite attach --exec exec-3 --stdout-from 1048576 work >> log\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseAttach, ExecuteAttach>,
};

}  // namespace boxlite::cli

#include "boxlite/cli/client_options.h"
#include "boxlite/cli/program_client.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"no-stdin", 0, "", "Only watch: pass nothing of stdin on"},
    kSigProxyOption,
    kDetachKeysOption,
};

int ExecuteAttach(Session& session, const AttachRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.box);
  if (!id.ok()) return session.Fail(id.error());
  Result<BoxInfo> box = (*runtime)->Inspect(*id);
  if (!box.ok()) return session.Fail(box.error());
  if (!box->spec.ok()) return session.Fail(box->spec.error());
  ProgramClient::Wish wish;
  // As docker: the input of a box made without -i is nobody's to feed.
  wish.input = box->spec->interactive && !request.no_stdin;
  wish.terminal = box->spec->terminal;
  wish.proxies_signals = request.client.proxies_signals;
  wish.detach_keys = request.client.detach_keys;
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
        "What was written before is in 'boxlite logs'.\n",
    .examples =
        "boxlite run -dit --name work boxlite/base sh\n"
        "boxlite attach work\n"
        "boxlite attach --no-stdin --sig-proxy=false work\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseAttach, ExecuteAttach>,
};

}  // namespace boxlite::cli

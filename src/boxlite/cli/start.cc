#include "boxlite/cli/client_options.h"
#include "boxlite/cli/each_box.h"
#include "boxlite/cli/program_client.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/run_errors.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"attach", 'a', "", "Show the main command's output, and exit with its code"},
    {"interactive", 'i', "", "Pass stdin on too (of a box made with -i); implies -a"},
    kSigProxyOption,
    kDetachKeysOption,
};

int StartAndAttach(Session& session, const StartRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.boxes[0]);
  if (!id.ok()) return session.Fail(id.error());
  Result<BoxInfo> box = (*runtime)->Inspect(*id);
  if (!box.ok()) return session.Fail(box.error());
  if (!box->spec.ok()) return session.Fail(box->spec.error());
  ProgramClient::Wish wish;
  wish.input = request.interactive && box->spec->interactive;
  wish.terminal = box->spec->terminal;
  wish.proxies_signals = request.client.proxies_signals;
  wish.detach_keys = request.client.detach_keys;
  Result<std::unique_ptr<ProgramClient>> client =
      ProgramClient::Open(session.console(), std::move(wish));
  if (!client.ok()) return session.Fail(client.error());
  Runtime::ForegroundOptions options;
  options.streams = (*client)->streams();
  if (box->spec->terminal) options.terminal_size = (*client)->size();
  options.attachment = Attachment::kDetached;
  options.interrupt_fd = (*client)->interrupt_fd();
  options.on_started = [&client] { (*client)->Begin(); };
  Result<ProgramEnd> end = (*runtime)->RunForeground(*id, options);
  (*client)->End();
  if (end.ok()) return ExitCodeOf(*end);
  if (IsOfReaderThatLeft(end.error(), session.console().out_fd())) return kExitReaderLeft;
  session.console().Report(end.error());
  const int interrupted = (*client)->TakeInterruption();
  return interrupted != 0 ? 128 + interrupted : CommandExitCode(end.error());
}

int ExecuteStart(Session& session, const StartRequest& request) {
  if (request.attach) return StartAndAttach(session, request);
  return ForEachBox(
      session, request.boxes,
      [](Runtime& runtime, const BoxId& id, const std::string& reference) -> Result<std::string> {
        BOXLITE_RETURN_IF_ERROR(runtime.Start(id, Attachment::kDetached));
        return reference;
      });
}

}  // namespace

Result<StartRequest> ParseStart(const Arguments& arguments) {
  StartRequest request;
  BOXLITE_ASSIGN_OR_RETURN(BoxesRequest boxes, ParseBoxes(arguments));
  request.boxes = std::move(boxes.boxes);
  request.interactive = arguments.Has("interactive");
  request.attach = arguments.Has("attach") || request.interactive;
  if (request.attach && request.boxes.size() > 1) {
    return Error(ErrorCode::kInvalidArgument, "-a and -i take one box: there is one terminal");
  }
  BOXLITE_ASSIGN_OR_RETURN(request.client, ParseClient(arguments));
  return request;
}

constinit const Subcommand kStart = {
    .name = "start",
    .aliases = "",
    .purpose = "Start boxes that are not running",
    .usage = "[OPTIONS] BOX...",
    .notes =
        "Returns when their main command has started. A running box is fine as it is.\n"
        "\n"
        "With -a it stays, from the first byte of this life to the last. The box outlives this\n"
        "command all the same: only 'run' without -d ties a box to who started it.\n",
    .examples =
        "boxlite start web db\n"
        "boxlite start -ai work\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseStart, ExecuteStart>,
};

}  // namespace boxlite::cli

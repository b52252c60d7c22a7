#include <algorithm>
#include <array>

#include "boxlite/base/interrupt.h"
#include "boxlite/cli/box_options.h"
#include "boxlite/cli/client_options.h"
#include "boxlite/cli/program_client.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/run_errors.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr auto kOptions = [] {
  std::array<Option, kBoxOptions.size() + 3> options = {};
  options[0] = Option{"detach", 'd', "", "Leave the box running, and print its id"};
  std::copy(kBoxOptions.begin(), kBoxOptions.end(), options.begin() + 1);
  options[kBoxOptions.size() + 1] = kSigProxyOption;
  options[kBoxOptions.size() + 2] = kDetachKeysOption;
  return options;
}();

// After a run that failed: with --rm nothing may stay behind, otherwise the box is kept for a look.
int FailRun(Session& session, Runtime& runtime, const BoxId& id, const RunRequest& request,
            const Error& error) {
  const bool reader_left = IsOfReaderThatLeft(error, session.console().out_fd());
  if (!reader_left) session.console().Report(error);
  if (request.box.options.remove_on_exit) {
    Status removed = runtime.Remove(id, Runtime::Force::kYes);
    if (!removed.ok() && removed.error().code() != ErrorCode::kNotFound) {
      session.console().Report(removed.error());
    }
  } else if (!reader_left) {
    session.console().Note("the box " + id.str() + " was kept: boxlite inspect, logs or start " +
                           id.str() + " to look or to try again, boxlite rm " + id.str() +
                           " to remove it");
  }
  return reader_left ? kExitReaderLeft : CommandExitCode(error);
}

int RunDetached(Session& session, Runtime& runtime, const RunRequest& request) {
  Result<BoxId> id = CreateBox(session.console(), runtime, request.box);
  if (!id.ok()) return session.Fail(id.error());
  Status started = runtime.Start(*id, Attachment::kDetached);
  if (!started.ok()) return FailRun(session, runtime, *id, request, started.error());
  session.console().Print(id->str() + "\n");
  return kExitOk;
}

// A signal of the user's ends also the wait for an image.
Result<BoxId> CreateInterruptibly(Session& session, Runtime& runtime, const ProgramClient& client,
                                  const RunRequest& request) {
  const ScopedInterrupt interrupt(client.interrupt_fd());
  return CreateBox(session.console(), runtime, request.box);
}

int RunInForeground(Session& session, Runtime& runtime, ProgramClient& client,
                    const RunRequest& request) {
  Result<BoxId> id = CreateInterruptibly(session, runtime, client, request);
  if (!id.ok()) {
    const int code = session.Fail(id.error());
    const int interrupted = client.TakeInterruption();
    return interrupted != 0 ? 128 + interrupted : code;
  }
  Runtime::ForegroundOptions options;
  options.streams = client.streams();
  if (request.box.options.terminal) options.terminal_size = client.size();
  options.interrupt_fd = client.interrupt_fd();
  options.on_started = [&client] { client.Begin(); };
  Result<ProgramEnd> end = runtime.RunForeground(*id, options);
  client.End();
  if (end.ok()) return ExitCodeOf(*end);
  const int code = FailRun(session, runtime, *id, request, end.error());
  const int interrupted = client.TakeInterruption();
  return interrupted != 0 ? 128 + interrupted : code;
}

int ExecuteRun(Session& session, const RunRequest& request) {
  // First of all: a signal ends a boot, and later is main's.
  std::unique_ptr<ProgramClient> client;
  if (!request.detach) {
    ProgramClient::Wish wish;
    wish.input = request.box.options.interactive;
    wish.terminal = request.box.options.terminal;
    wish.proxies_signals = request.client.proxies_signals;
    wish.detach_keys = request.client.detach_keys;
    Result<std::unique_ptr<ProgramClient>> opened =
        ProgramClient::Open(session.console(), std::move(wish));
    if (!opened.ok()) return session.Fail(opened.error());
    client = std::move(*opened);
  }
  WarnOfUnknown(session.console(), request.box.unknown_variables);
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  return client ? RunInForeground(session, **runtime, *client, request)
                : RunDetached(session, **runtime, request);
}

}  // namespace

Result<RunRequest> ParseRun(const Arguments& arguments) {
  RunRequest request;
  BOXLITE_ASSIGN_OR_RETURN(request.box, ParseCreate(arguments));
  request.detach = arguments.Has("detach");
  BOXLITE_ASSIGN_OR_RETURN(request.client, ParseClient(arguments));
  return request;
}

constinit const Subcommand kRun = {
    .name = "run",
    .aliases = "",
    .purpose = "Make a box from an image and run a command in it",
    .usage = "[OPTIONS] IMAGE [COMMAND [ARG...]]",
    .notes = kBoxNotes,
    .examples =
        "boxlite run --rm boxlite/base uname -r\n"
        "boxlite run --rm -it boxlite/base sh\n"
        "echo hello | boxlite run --rm -i boxlite/base wc -c\n"
        "boxlite run -d --name web -e PORT=80 boxlite/base httpd -f\n",
    .syntax = {kOptions, kUnavailableBoxOptions, Positionals::kEndOptions},
    .prepare = Prepare<ParseRun, ExecuteRun>,
};

}  // namespace boxlite::cli

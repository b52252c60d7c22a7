#include <array>

#include "boxlite/cli/box_options.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/run_errors.h"
#include "boxlite/cli/signals.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr auto kOptions = [] {
  std::array<Option, kBoxOptions.size() + 1> options = {};
  options[0] = Option{"detach", 'd', "", "Leave the box running, and print its id"};
  for (std::size_t i = 0; i < kBoxOptions.size(); ++i) options[i + 1] = kBoxOptions[i];
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

int ExecuteRun(Session& session, const RunRequest& request) {
  // First of all: a signal ends a boot, and later is main's.
  Fd signals;
  if (!request.detach) {
    Result<Fd> caught = CatchForwardedSignals();
    if (!caught.ok()) return session.Fail(caught.error());
    signals = std::move(*caught);
  }
  WarnOfUnknown(session.console(), request.box.unknown_variables);
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Create(request.box.options);
  if (!id.ok()) return session.Fail(id.error());
  if (request.detach) {
    Status started = (*runtime)->Start(*id, Attachment::kDetached);
    if (!started.ok()) return FailRun(session, **runtime, *id, request, started.error());
    session.console().Print(id->str() + "\n");
    return kExitOk;
  }
  Runtime::ForegroundOptions options;
  options.stdout_fd = session.console().out_fd();
  options.stderr_fd = session.console().err_fd();
  options.signals_fd = signals.get();
  Result<ProcessExit> exit = (*runtime)->RunForeground(*id, options);
  if (exit.ok()) return exit->ShellCode();
  const int code = FailRun(session, **runtime, *id, request, exit.error());
  const int interrupted = TakeSignal(signals.get());
  return interrupted != 0 ? 128 + interrupted : code;
}

}  // namespace

Result<RunRequest> ParseRun(const Arguments& arguments) {
  RunRequest request;
  BOXLITE_ASSIGN_OR_RETURN(request.box, ParseCreate(arguments));
  request.detach = arguments.Has("detach");
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
        "boxlite run -d --name web -e PORT=80 boxlite/base httpd -f\n",
    .syntax = {kOptions, kUnavailableBoxOptions, Positionals::kEndOptions},
    .prepare = Prepare<ParseRun, ExecuteRun>,
};

}  // namespace boxlite::cli

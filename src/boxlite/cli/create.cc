#include "boxlite/cli/box_options.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

int ExecuteCreate(Session& session, const CreateRequest& request) {
  WarnOfUnknown(session.console(), request.unknown_variables);
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = CreateBox(session.console(), **runtime, request);
  if (!id.ok()) return session.Fail(id.error());
  session.console().Print(id->str() + "\n");
  return kExitOk;
}

}  // namespace

constinit const Subcommand kCreate = {
    .name = "create",
    .aliases = "",
    .purpose = "Make a box without starting it, and print its id",
    .usage = "[OPTIONS] IMAGE [COMMAND [ARG...]]",
    .notes = kBoxNotes,
    .examples =
        "boxlite create --name web --memory 1g boxlite/base httpd -f\n"
        "boxlite start web\n",
    .syntax = {kBoxOptions, kUnavailableBoxOptions, Positionals::kEndOptions},
    .prepare = Prepare<ParseCreate, ExecuteCreate>,
};

}  // namespace boxlite::cli

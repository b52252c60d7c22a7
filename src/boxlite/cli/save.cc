#include <unistd.h>

#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"output", 'o', "FILE", "Write to this file (stdout unless said)"},
};

int ExecuteSave(Session& session, const SaveRequest& request) {
  Status saved;
  if (!request.path.empty()) {
    saved = session.images().Save(request.images, request.path);
  } else if (::isatty(session.console().out_fd()) == 1) {
    saved = Error(ErrorCode::kInvalidArgument,
                  "an archive is not for a terminal: use -o FILE, or redirect stdout");
  } else {
    saved = session.images().SaveTo(request.images, session.console().out_fd());
  }
  return saved.ok() ? kExitOk : session.Fail(saved.error());
}

}  // namespace

Result<SaveRequest> ParseSave(const Arguments& arguments) {
  SaveRequest request;
  request.images = arguments.positionals();
  if (request.images.empty()) return Error(ErrorCode::kInvalidArgument, "an image is missing");
  request.path = arguments.LastOr("output", "");
  return request;
}

constinit const Subcommand kSave = {
    .name = "save",
    .aliases = "",
    .purpose = "Write images to an archive",
    .usage = "[OPTIONS] IMAGE...",
    .notes =
        "The archive is docker's and OCI's at once: docker load, podman load, skopeo and boxlite\n"
        "load read it. The layers that an image came in are not kept; it is written as one layer\n"
        "with the same files and configuration, so what is loaded from it has another digest.\n",
    .examples =
        "boxlite save -o app.tar app:1\n"
        "boxlite save app:1 | ssh host boxlite load\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseSave, ExecuteSave>,
};

}  // namespace boxlite::cli

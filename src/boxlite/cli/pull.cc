#include "boxlite/cli/image_progress.h"
#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/image_view.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"quiet", 'q', "", "Print the image's digest only"},
    {"platform", 0, "OS/ARCH", "Of an image for several platforms this one (what boxes run)"},
    {"config", 0, "FILE", "How registries are reached (registries.json of the home unless said)"},
};
constexpr Option kUnavailable[] = {{"all-tags", 'a', "", ""}, {"disable-content-trust", 0, "", ""}};

int ExecutePull(Session& session, const PullRequest& request) {
  ImageProgress progress(session.console().err_fd(), request.quiet);
  Result<GotImage> got = session.images().Pull(request.options, progress.Sink());
  progress.Finish();
  if (!got.ok()) return session.Fail(got.error());
  if (request.quiet) {
    session.console().Print(got->digest + "\n");
    return kExitOk;
  }
  const std::string name = got->names.empty() ? got->digest : got->names.front();
  const std::string status =
      got->fresh ? "Downloaded newer image for " : "Image is up to date for ";
  session.console().Print("Digest: " + got->manifest + "\nStatus: " + status + FamiliarName(name) +
                          "\n" + name + "\n");
  return kExitOk;
}

}  // namespace

Result<PullRequest> ParsePull(const Arguments& arguments) {
  if (arguments.positionals().size() != 1 || arguments.positionals()[0].empty()) {
    return Error(ErrorCode::kInvalidArgument, "it takes one image");
  }
  PullRequest request;
  request.options.reference = arguments.positionals()[0];
  Result<Reference> reference = Reference::Parse(request.options.reference);
  if (!reference.ok()) return std::move(reference).error();
  request.options.platform = arguments.LastOr("platform", "");
  request.options.config_file = arguments.LastOr("config", "");
  request.quiet = arguments.Has("quiet");
  return request;
}

constinit const Subcommand kPull = {
    .name = "pull",
    .aliases = "",
    .purpose = "Get an image from a registry",
    .usage = "[OPTIONS] IMAGE",
    .notes =
        "IMAGE is [HOST[:PORT]/]PATH[:TAG][@DIGEST], as docker's: without a host it is looked for\n"
        "in the registries that are searched (docker.io unless configured), without a tag it is\n"
        ":latest. Credentials are those of 'boxlite login' and docker's config.json.\n"
        "\n"
        "'run' and 'create' pull an image that is not there; --pull says otherwise.\n",
    .examples =
        "boxlite pull debian:12\n"
        "boxlite pull registry.example:5000/team/app@sha256:...\n",
    .syntax = {kOptions, kUnavailable},
    .prepare = Prepare<ParsePull, ExecutePull>,
};

}  // namespace boxlite::cli

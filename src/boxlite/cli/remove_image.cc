// rmi and tag: names of images, and the images themselves.
#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/image_view.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"force", 'f', "", "Take the names away also where boxes need the image, which then stays"},
    {"no-prune", 0, "", "Nothing: there are no untagged parents"},
};

int ExecuteRemoveImage(Session& session, const RemoveImageRequest& request) {
  int code = kExitOk;
  for (const std::string& words : request.images) {
    Result<RemovedImage> removed = session.images().Remove(words, request.force);
    if (!removed.ok()) {
      code = session.Fail(removed.error());
      continue;
    }
    for (const std::string& name : removed->untagged) {
      session.console().Print("Untagged: " + FamiliarName(name) + "\n");
    }
    if (!removed->deleted.empty()) session.console().Print("Deleted: " + removed->deleted + "\n");
  }
  return code;
}

int ExecuteTag(Session& session, const TagRequest& request) {
  Status tagged = session.images().Tag(request.image, request.name);
  return tagged.ok() ? kExitOk : session.Fail(tagged.error());
}

}  // namespace

Result<RemoveImageRequest> ParseRemoveImage(const Arguments& arguments) {
  RemoveImageRequest request;
  request.images = arguments.positionals();
  if (request.images.empty()) return Error(ErrorCode::kInvalidArgument, "an image is missing");
  request.force = arguments.Has("force");
  return request;
}

Result<TagRequest> ParseTag(const Arguments& arguments) {
  if (arguments.positionals().size() != 2) {
    return Error(ErrorCode::kInvalidArgument, "it takes an image and its new name");
  }
  return TagRequest{arguments.positionals()[0], arguments.positionals()[1]};
}

constinit const Subcommand kRemoveImage = {
    .name = "rmi",
    .aliases = "",
    .purpose = "Remove images, or names of them",
    .usage = "[OPTIONS] IMAGE...",
    .notes =
        "Of an image with several names only the given one goes. What a box was made of stays\n"
        "until the box is removed: rmi refuses, and with -f takes the name away only.\n",
    .examples =
        "boxlite rmi debian:12\n"
        "boxlite rmi $(boxlite images -q --filter dangling=true)\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseRemoveImage, ExecuteRemoveImage>,
};

constinit const Subcommand kTag = {
    .name = "tag",
    .aliases = "",
    .purpose = "Give an image another name",
    .usage = "IMAGE NAME",
    .notes = "An image that has the name loses it.\n",
    .examples = "boxlite tag debian:12 my/base:1\n",
    .syntax = {},
    .prepare = Prepare<ParseTag, ExecuteTag>,
};

}  // namespace boxlite::cli

#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

int ExecuteRename(Session& session, const RenameRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.box);
  if (!id.ok()) return session.Fail(id.error());
  Status renamed = (*runtime)->Rename(*id, request.name);
  return renamed.ok() ? kExitOk : session.Fail(renamed.error());
}

}  // namespace

Result<RenameRequest> ParseRename(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (words.size() != 2 || words[0].empty()) {
    return Error(ErrorCode::kInvalidArgument, "rename takes a box and its new name");
  }
  BOXLITE_RETURN_IF_ERROR(ValidateName(words[1]));
  return RenameRequest{words[0], words[1]};
}

constinit const Subcommand kRename = {
    .name = "rename",
    .aliases = "",
    .purpose = "Give a box another name, also while it runs",
    .usage = "BOX NAME",
    .notes =
        "Whatever dies meanwhile, the box has the old name or the new one, never both and never\n"
        "none. A name that another box has is refused, and nothing changes.\n",
    .examples = "boxlite rename web web-old\n",
    .syntax = {},
    .prepare = Prepare<ParseRename, ExecuteRename>,
};

}  // namespace boxlite::cli

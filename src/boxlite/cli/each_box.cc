#include "boxlite/cli/each_box.h"

#include "boxlite/cli/requests.h"

namespace boxlite::cli {
namespace {

Result<std::string> DoOne(Runtime& runtime, const std::string& reference, const BoxVerb& verb) {
  BOXLITE_ASSIGN_OR_RETURN(BoxId id, runtime.Resolve(reference));
  return verb(runtime, id, reference);
}

}  // namespace

Status ExpectNoPositionals(const Arguments& arguments) {
  if (arguments.positionals().empty()) return {};
  return Error(ErrorCode::kInvalidArgument,
               "it takes no argument, and got '" + arguments.positionals()[0] + "'");
}

Result<BoxesRequest> ParseBoxes(const Arguments& arguments) {
  if (arguments.positionals().empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "a box is missing: its name, id or the begin of its id");
  }
  for (const std::string& box : arguments.positionals()) {
    if (box.empty()) return Error(ErrorCode::kInvalidArgument, "a box's name is empty");
  }
  return BoxesRequest{arguments.positionals()};
}

int ForEachBox(Session& session, const std::vector<std::string>& references, const BoxVerb& verb) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  int code = kExitOk;
  for (const std::string& reference : references) {
    Result<std::string> answer = DoOne(**runtime, reference, verb);
    if (answer.ok()) {
      session.console().Print(*answer + "\n");
    } else {
      code = session.Fail(answer.error());
    }
  }
  return code;
}

Result<std::string> ParseExecId(const Arguments& arguments, const std::vector<std::string>& boxes) {
  const std::optional<std::string> exec = arguments.Last("exec");
  if (!exec) return std::string();
  if (exec->empty()) return Error(ErrorCode::kInvalidArgument, "--exec is empty");
  if (boxes.size() > 1) {
    return Error(ErrorCode::kInvalidArgument, "--exec names an exec of one box, not of several");
  }
  return *exec;
}

}  // namespace boxlite::cli

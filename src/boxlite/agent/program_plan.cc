#include "boxlite/agent/program_plan.h"

#include <algorithm>
#include <string_view>

#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxIdBytes = 64;

Error Invalid(const std::string& what) { return Error(ErrorCode::kInvalidArgument, what); }

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<std::string> ReadString(capnp::Data::Reader bytes, const char* what) {
  std::string text(AsText(bytes));
  if (text.find('\0') != std::string::npos) return Invalid(std::string("a NUL byte in ") + what);
  return text;
}

Result<std::vector<std::string>> ReadStrings(capnp::List<capnp::Data>::Reader list,
                                             const char* what) {
  std::vector<std::string> strings;
  for (const capnp::Data::Reader item : list) {
    BOXLITE_ASSIGN_OR_RETURN(std::string text, ReadString(item, what));
    strings.push_back(std::move(text));
  }
  return strings;
}

}  // namespace

Result<ProgramPlan> ReadPlan(wire::Agent::StartParams::Reader params) {
  ProgramPlan plan;
  plan.is_main = params.getRole() == wire::Agent::Role::MAIN;
  plan.id = params.getId().cStr();
  if (!IsId(plan.id)) return Invalid("an id is 1 to 64 of a-z, 0-9 and '-'");
  const auto spec = params.getSpec();
  BOXLITE_ASSIGN_OR_RETURN(plan.argv, ReadStrings(spec.getArgv(), "an argument"));
  if (plan.argv.empty() || plan.argv[0].empty()) return Invalid("no command");
  BOXLITE_ASSIGN_OR_RETURN(plan.env, ReadStrings(spec.getEnv(), "a variable"));
  for (const std::string& variable : plan.env) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Invalid("a variable is KEY=VALUE, not \"" + variable + "\"");
    }
  }
  BOXLITE_ASSIGN_OR_RETURN(plan.working_dir, ReadString(spec.getWorkingDir(), "the directory"));
  if (plan.working_dir.empty()) plan.working_dir = "/";
  if (plan.working_dir[0] != '/') {
    return Invalid("the working directory " + plan.working_dir + " is not absolute");
  }
  BOXLITE_ASSIGN_OR_RETURN(plan.user, ReadString(spec.getUser(), "the user"));
  if (spec.hasTerminal()) {
    plan.terminal = WindowSize{spec.getTerminal().getRows(), spec.getTerminal().getColumns()};
  }
  return plan;
}

}  // namespace boxlite

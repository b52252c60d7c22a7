#include "boxlite/cli/box_options.h"

#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

Error Invalid(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

Status ParseSizes(const Arguments& arguments, CreateOptions& options) {
  if (const std::optional<std::string> cpus = arguments.Last("cpus")) {
    Result<std::uint64_t> count = ParseNumber(*cpus, kMaxCpus);
    if (!count.ok()) return std::move(count).error().While("--cpus");
    options.cpus = static_cast<std::uint32_t>(*count);
  }
  if (const std::optional<std::string> memory = arguments.Last("memory")) {
    Result<std::uint64_t> bytes = ParseSize(*memory, kMib);
    if (!bytes.ok()) return std::move(bytes).error().While("--memory");
    // Rounded up: never less than was asked for.
    options.memory_mib = *bytes / kMib + (*bytes % kMib != 0 ? 1 : 0);
  }
  if (const std::optional<std::string> disk = arguments.Last("disk-size")) {
    Result<std::uint64_t> bytes = ParseSize(*disk, kGib);
    if (!bytes.ok()) return std::move(bytes).error().While("--disk-size");
    options.disk_bytes = *bytes;
  }
  return {};
}

Status ParseLabels(const Arguments& arguments, CreateOptions& options) {
  for (const std::string& label : arguments.All("label")) {
    const std::size_t equals = label.find('=');
    if (label.empty() || equals == 0) return Invalid("--label '" + label + "' has no key");
    options.labels[label.substr(0, equals)] =
        equals == std::string::npos ? "" : label.substr(equals + 1);
  }
  return {};
}

}  // namespace

Result<Environment> ParseEnvironment(const Arguments& arguments) {
  Environment environment;
  for (const std::string& path : arguments.All("env-file")) {
    BOXLITE_RETURN_IF_ERROR(AddFile(path, LookupInProcess, environment));
  }
  for (const std::string& variable : arguments.All("env")) {
    Status added = AddVariable(variable, LookupInProcess, environment);
    if (!added.ok()) return std::move(added).error().While("--env");
  }
  return environment;
}

void WarnOfUnknown(Console& console, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    console.Note("warning: " + name + " is not set here, so the box does not get it");
  }
}

Result<CreateRequest> ParseCreate(const Arguments& arguments) {
  if (arguments.positionals().empty() || arguments.positionals()[0].empty()) {
    return Invalid("an image is missing");
  }
  CreateRequest request;
  CreateOptions& options = request.options;
  options.image = arguments.positionals()[0];
  options.command.assign(arguments.positionals().begin() + 1, arguments.positionals().end());
  options.name = arguments.LastOr("name", "");
  if (arguments.Last("name") && options.name.empty()) return Invalid("--name is empty");
  options.working_dir = arguments.LastOr("workdir", "");
  options.user = arguments.LastOr("user", "");
  options.hostname = arguments.LastOr("hostname", "");
  options.accelerator = arguments.LastOr("accel", "auto");
  options.remove_on_exit = arguments.Has("rm");
  options.interactive = arguments.Has("interactive");
  options.terminal = arguments.Has("tty");
  if (const std::optional<std::string> entrypoint = arguments.Last("entrypoint")) {
    options.entrypoint = std::vector<std::string>{*entrypoint};
  }
  if (const std::optional<std::string> signal = arguments.Last("stop-signal")) {
    BOXLITE_ASSIGN_OR_RETURN(options.stop_signal, ParseSignal(*signal));
  }
  if (options.accelerator != "auto" && options.accelerator != "kvm" &&
      options.accelerator != "tcg") {
    return Invalid("--accel is auto, kvm or tcg, not '" + options.accelerator + "'");
  }
  BOXLITE_RETURN_IF_ERROR(ParseSizes(arguments, options));
  BOXLITE_RETURN_IF_ERROR(ParseLabels(arguments, options));
  BOXLITE_ASSIGN_OR_RETURN(Environment environment, ParseEnvironment(arguments));
  options.env = std::move(environment.variables);
  request.unknown_variables = std::move(environment.unknown);
  return request;
}

}  // namespace boxlite::cli

#include "boxlite/cli/box_options.h"

#include "boxlite/cli/image_progress.h"
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

// The image, or what stands for it; what follows is the command.
Status ParseImageOptions(const Arguments& arguments, CreateRequest& request) {
  CreateOptions& options = request.options;
  options.command = arguments.positionals();
  options.rootfs = arguments.LastOr("rootfs", "");
  if (arguments.Last("rootfs") && options.rootfs.empty()) return Invalid("--rootfs is empty");
  if (options.rootfs.empty()) {
    if (options.command.empty() || options.command[0].empty()) {
      return Invalid("an image is missing");
    }
    options.image = options.command[0];
    options.command.erase(options.command.begin());
  }
  const std::string pull = arguments.LastOr("pull", "missing");
  if (pull == "always") {
    options.pull = PullPolicy::kAlways;
  } else if (pull == "never") {
    options.pull = PullPolicy::kNever;
  } else if (pull != "missing") {
    return Invalid("--pull is missing, always or never, not '" + pull + "'");
  }
  request.quiet = arguments.Has("quiet");
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

Result<BoxId> CreateBox(Console& console, Runtime& runtime, const CreateRequest& request) {
  ImageProgress progress(console.err_fd(), request.quiet);
  CreateOptions options = request.options;
  options.on_image = progress.Sink();
  return runtime.Create(options);
}

void WarnOfUnknown(Console& console, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    console.Note("warning: " + name + " is not set here, so the box does not get it");
  }
}

Result<CreateRequest> ParseCreate(const Arguments& arguments) {
  CreateRequest request;
  CreateOptions& options = request.options;
  BOXLITE_RETURN_IF_ERROR(ParseImageOptions(arguments, request));
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

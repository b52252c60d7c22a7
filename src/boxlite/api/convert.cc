#include "boxlite/api/convert.h"

namespace boxlite::v0::internal {
namespace {

// The public list is written out for its readers; this keeps the two the same.
#define BOXLITE_X(enumerator, number, name)                          \
  static_assert(static_cast<int>(ErrorCode::enumerator) == number && \
                static_cast<int>(inner::ErrorCode::enumerator) == number);
BOXLITE_ERROR_CODES(BOXLITE_X)
#undef BOXLITE_X
static_assert(static_cast<int>(BoxState::kConfigured) ==
                  static_cast<int>(inner::BoxState::kConfigured) &&
              static_cast<int>(BoxState::kFailed) == static_cast<int>(inner::BoxState::kFailed));

std::chrono::system_clock::time_point Moment(std::int64_t ns) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(ns)));
}

std::vector<std::string> Pairs(const std::map<std::string, std::string>& env) {
  std::vector<std::string> pairs;
  pairs.reserve(env.size());
  for (const auto& [name, value] : env) pairs.push_back(name + "=" + value);
  return pairs;
}

template <typename T>
std::optional<ExitStatus> MaybeExit(const T& exit) {
  if (!exit) return std::nullopt;
  return ToPublic(*exit);
}

}  // namespace

Error ToPublic(const inner::Error& error) {
  return {static_cast<ErrorCode>(error.code()), error.message()};
}

ExitStatus ToPublic(const inner::ProcessExit& exit) { return {exit.code, exit.signal}; }

BoxInfo ToPublic(const inner::BoxInfo& info) {
  BoxInfo out;
  out.id = info.id.str();
  out.state = static_cast<BoxState>(info.derived.state);
  out.reason = info.derived.reason;
  out.exit = MaybeExit(info.derived.exit);
  out.life = info.life_number;
  out.attached = info.record && info.record->attached;
  out.handshake = info.handshake;
  if (!info.spec.ok()) {
    out.damage = info.spec.error().message();
    return out;
  }
  const inner::BoxSpec& spec = *info.spec;
  out.name = spec.name;
  out.image = spec.image;
  out.image_digest = spec.image_digest;
  out.command = spec.argv;
  out.labels = spec.labels;
  out.cpus = spec.cpus;
  out.memory_mib = spec.memory_mib;
  out.disk_bytes = spec.disk_bytes;
  out.created = Moment(spec.created_ns);
  return out;
}

BoxUsage ToPublic(const inner::BoxUse& use) {
  BoxUsage out;
  out.cpu = std::chrono::milliseconds(use.cpu_ms);
  out.memory_bytes = use.memory_bytes;
  out.memory_limit_bytes = use.memory_limit_bytes;
  out.processes = use.processes;
  out.disk_used_bytes = use.disk_used_bytes;
  out.disk_size_bytes = use.disk_size_bytes;
  if (use.shim && use.vm) {
    out.host_cpu = std::chrono::milliseconds(use.shim->cpu_ms + use.vm->cpu_ms);
    if (use.shim->proportional_bytes != 0 && use.vm->proportional_bytes != 0) {
      out.host_memory_bytes = use.shim->proportional_bytes + use.vm->proportional_bytes;
    }
  }
  return out;
}

CopyReport ToPublic(const inner::CopyReport& report) {
  return {report.bytes, report.skipped, report.notes};
}

StopResult ToPublic(const inner::EndReport& report) {
  return {report.forced, report.note, MaybeExit(report.exit)};
}

// An entry a name; of an image without one, its digest. One that is damaged has nothing to show.
std::vector<ImageInfo> ToPublic(const std::vector<inner::ImageEntry>& images) {
  std::vector<ImageInfo> out;
  for (const inner::ImageEntry& entry : images) {
    if (!entry.image.ok()) continue;
    const inner::ImageConfig& config = entry.image->config;
    const ImageInfo info = {entry.image->name, entry.digest,       entry.shipped,
                            entry.in_home,     config.entrypoint,  config.command,
                            config.env,        config.working_dir, config.user};
    if (entry.shipped || entry.tags.empty()) out.push_back(info);
    if (!entry.shipped && entry.tags.empty()) out.back().name = entry.digest;
    for (const inner::ImageTag& tag : entry.tags) {
      out.push_back(info);
      const inner::Result<inner::Reference> name = inner::Reference::Parse(tag.name);
      out.back().name = name.ok() ? name->Familiar() : tag.name;
    }
  }
  return out;
}

HomeInfo ToPublic(const inner::HomeInfo& info) {
  return {info.path,    info.exists, info.boxes,      info.running,
          info.libexec, info.engine, info.accelerator};
}

ExecResult ToPublic(const inner::ProgramEnd& end) {
  return {ToPublic(end.exit), end.timed_out, end.stdout_end, end.stderr_end};
}

ExecutionInfo ToPublic(const inner::ExecInfo& info) {
  ExecutionInfo out;
  out.id = info.id;
  out.argv = info.argv;
  out.running = info.running;
  out.exit = MaybeExit(info.exit);
  out.timed_out = info.timed_out;
  out.terminal = info.terminal;
  out.attached = info.attached;
  out.started = Moment(info.started_ns);
  if (info.ended_ns != 0) out.ended = Moment(info.ended_ns);
  out.stdout_begin = info.stdout_begin;
  out.stdout_end = info.stdout_end;
  out.stderr_begin = info.stderr_begin;
  out.stderr_end = info.stderr_end;
  return out;
}

inner::CreateOptions FromPublic(const BoxOptions& options) {
  inner::CreateOptions out;
  out.image = options.image;
  out.name = options.name;
  out.command = options.command;
  out.entrypoint = options.entrypoint;
  out.env = Pairs(options.env);
  out.working_dir = options.working_dir;
  out.user = options.user;
  out.hostname = options.hostname;
  out.cpus = options.cpus;
  out.memory_mib = options.memory_mib;
  out.disk_bytes = options.disk_bytes;
  out.labels = options.labels;
  out.remove_on_exit = options.remove_on_exit;
  return out;
}

inner::ExecOptions FromPublic(const ExecOptions& options) {
  inner::ExecOptions out;
  out.argv = options.argv;
  out.env = Pairs(options.env);
  out.working_dir = options.working_dir;
  out.user = options.user;
  if (options.terminal) {
    out.terminal = inner::TerminalSize{options.terminal->rows, options.terminal->columns};
  }
  out.timeout = options.time_limit;
  return out;
}

inner::Attachment FromPublic(Attachment attachment) {
  return attachment == Attachment::kAttached ? inner::Attachment::kAttached
                                             : inner::Attachment::kDetached;
}

}  // namespace boxlite::v0::internal

namespace boxlite::v0 {

std::string_view ErrorCodeName(ErrorCode code) noexcept {
  return ::boxlite::ErrorCodeName(static_cast<::boxlite::ErrorCode>(code));
}

std::string_view BoxStateName(BoxState state) noexcept {
  return ::boxlite::BoxStateName(static_cast<::boxlite::BoxState>(state));
}

}  // namespace boxlite::v0

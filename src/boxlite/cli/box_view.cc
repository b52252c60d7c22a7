#include "boxlite/cli/box_view.h"

#include <nlohmann/json.hpp>

#include "boxlite/cli/table.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr std::size_t kCommandWidth = 22;
constexpr std::size_t kImageWidth = 40;
constexpr std::size_t kStatusWidth = 60;

std::string Age(std::int64_t then_ns, std::int64_t now_ns) {
  return DescribeDuration(std::chrono::nanoseconds(now_ns - then_ns)) + " ago";
}

std::string CommandText(const BoxSpec& spec) {
  std::string text;
  for (const std::string& word : spec.argv) text += (text.empty() ? "" : " ") + word;
  return text;
}

// When the last life ended; 0: unknown, or it has not.
std::int64_t EndedNs(const BoxInfo& box) {
  if (box.main_exit) return box.main_exit->at_ns;
  return box.outcome ? box.outcome->at_ns : 0;
}

Document ExitCode(const BoxInfo& box) {
  if (!box.derived.exit) return nullptr;
  return box.derived.exit->ShellCode();
}

Document OrNull(const std::string& text) {
  if (text.empty()) return nullptr;
  return text;
}

Document OutcomeEntry(const BoxInfo& box) {
  if (!box.outcome) return nullptr;
  const LifeOutcome& outcome = *box.outcome;
  Document entry = Document::object();
  entry["Kind"] = outcome.kind == OutcomeKind::kFailed ? "failed" : "ended";
  entry["Flushed"] = outcome.flushed;
  entry["Forced"] = outcome.forced;
  entry["Stage"] = outcome.stage;
  entry["Reason"] = outcome.reason;
  entry["Code"] = outcome.kind == OutcomeKind::kFailed
                      ? Document(std::string(ErrorCodeName(outcome.code)))
                      : Document(nullptr);
  return entry;
}

Document EvidenceEntry(const BoxInfo& box) {
  Document entry = Document::object();
  entry["Life"] = box.life_number;
  entry["Handshake"] = OrNull(box.handshake);
  const bool known = box.record.has_value();
  const LifeRecord record = box.record.value_or(LifeRecord{});
  entry["LifeId"] = OrNull(record.life_id);
  entry["Phase"] = known ? Document(std::string(PhaseName(record.phase))) : Document(nullptr);
  entry["Attached"] = record.attached;
  entry["Accelerator"] = OrNull(record.accelerator);
  entry["ShimPid"] = record.shim.pid;
  entry["VmPid"] = record.vm ? record.vm->pid : 0;
  entry["BootId"] = OrNull(record.host.boot_id);
  entry["ProtocolVersion"] = record.protocol_version;
  entry["StartMs"]["Engine"] = record.engine_ms;
  entry["StartMs"]["Guest"] = record.guest_ms;
  entry["StartMs"]["Main"] = record.main_ms;
  entry["Outcome"] = OutcomeEntry(box);
  return entry;
}

Document StateEntry(const BoxInfo& box) {
  const bool live = IsLive(box);
  Document entry = Document::object();
  entry["Status"] = std::string(BoxStateName(box.derived.state));
  entry["Reason"] = box.derived.reason;
  entry["Running"] = box.derived.state == BoxState::kRunning;
  entry["Pid"] = live && box.record && box.record->vm ? box.record->vm->pid : 0;
  entry["ExitCode"] = ExitCode(box);
  entry["StartedAt"] = OrNull(box.record ? FormatTime(box.record->started_ns) : "");
  entry["FinishedAt"] = OrNull(live ? "" : FormatTime(EndedNs(box)));
  return entry;
}

}  // namespace

bool IsLive(const BoxInfo& box) {
  switch (box.derived.state) {
    case BoxState::kStarting:
    case BoxState::kRunning:
    case BoxState::kStopping:
      return true;
    case BoxState::kConfigured:
    case BoxState::kStopped:
    case BoxState::kFailed:
      return false;
  }
  return false;
}

std::string StatusText(const BoxInfo& box, std::int64_t now_ns) {
  std::string text(BoxStateName(box.derived.state));
  switch (box.derived.state) {
    case BoxState::kConfigured:
    case BoxState::kStopping:
      return text;
    case BoxState::kStarting:
      return text + ": " + box.derived.reason;
    case BoxState::kRunning:
      if (!box.record) return text + ": " + box.derived.reason;
      return text + " (" +
             DescribeDuration(std::chrono::nanoseconds(now_ns - box.record->started_ns)) + ")";
    case BoxState::kStopped:
      if (box.derived.exit) text += " (" + std::to_string(box.derived.exit->ShellCode()) + ")";
      if (EndedNs(box) != 0) text += " " + Age(EndedNs(box), now_ns);
      return text;
    case BoxState::kFailed:
      return text + ": " + box.derived.reason;
  }
  return text;
}

std::string ListTable(const std::vector<BoxInfo>& boxes, std::int64_t now_ns, bool whole,
                      const std::map<BoxId, std::uint64_t>* sizes) {
  const auto cell = [&](const std::string& text, std::size_t width) {
    return whole ? text : Shortened(text, width);
  };
  std::vector<std::vector<std::string>> rows = {
      {"ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES"}};
  if (sizes != nullptr) rows[0].push_back("SIZE");
  for (const BoxInfo& box : boxes) {
    const std::string status = cell(StatusText(box, now_ns), kStatusWidth);
    if (!box.spec.ok()) {
      rows.push_back({box.id.str(), "<unreadable>", "", "", status, ""});
      continue;
    }
    const BoxSpec& spec = *box.spec;
    rows.push_back({box.id.str(), cell(spec.image, kImageWidth),
                    "\"" + cell(CommandText(spec), kCommandWidth) + "\"",
                    Age(spec.created_ns, now_ns), status, spec.name});
    if (sizes != nullptr) rows.back().push_back(DecimalSize(sizes->at(box.id)));
  }
  return FormatTable(rows);
}

Document ListEntry(const BoxInfo& box, std::int64_t now_ns) {
  const BoxSpec spec = box.spec.ok() ? *box.spec : BoxSpec{};
  Document entry = Document::object();
  entry["id"] = box.id.str();
  entry["name"] = OrNull(spec.name);
  entry["image"] = OrNull(spec.image);
  entry["command"] = spec.argv;
  entry["created"] = OrNull(FormatTime(spec.created_ns));
  entry["state"] = std::string(BoxStateName(box.derived.state));
  entry["reason"] = box.derived.reason;
  entry["status"] = StatusText(box, now_ns);
  entry["exit_code"] = ExitCode(box);
  entry["started"] = OrNull(box.record ? FormatTime(box.record->started_ns) : "");
  entry["cpus"] = box.spec.ok() ? Document(spec.cpus) : Document(nullptr);
  entry["memory_mib"] = box.spec.ok() ? Document(spec.memory_mib) : Document(nullptr);
  entry["disk_bytes"] = box.spec.ok() ? Document(spec.disk_bytes) : Document(nullptr);
  entry["labels"] = Document::object();
  for (const auto& [key, value] : spec.labels) entry["labels"][key] = value;
  if (!box.spec.ok()) entry["problem"] = box.spec.error().message();
  return entry;
}

Document InspectEntry(const BoxInfo& box) {
  const bool readable = box.spec.ok();
  const BoxSpec spec = readable ? *box.spec : BoxSpec{};
  Document entry = Document::object();
  entry["Id"] = box.id.str();
  entry["Name"] = spec.name;
  entry["Image"] = spec.image;
  entry["ImageDigest"] = spec.image_digest;
  entry["Created"] = OrNull(FormatTime(spec.created_ns));
  entry["Status"] = std::string(BoxStateName(box.derived.state));
  entry["State"] = StateEntry(box);
  entry["Command"] = spec.argv;
  entry["Env"] = spec.env;
  entry["WorkingDir"] = spec.working_dir;
  entry["User"] = spec.user;
  entry["Hostname"] = spec.hostname;
  entry["Labels"] = Document::object();
  for (const auto& [key, value] : spec.labels) entry["Labels"][key] = value;
  entry["Cpus"] = readable ? Document(spec.cpus) : Document(nullptr);
  entry["Memory"] = readable ? Document(spec.memory_mib * kMib) : Document(nullptr);
  entry["DiskSize"] = readable ? Document(spec.disk_bytes) : Document(nullptr);
  entry["RemoveOnExit"] = spec.remove_on_exit;
  entry["Tty"] = spec.terminal;
  entry["OpenStdin"] = spec.interactive;
  entry["StopSignal"] = spec.stop_signal;
  entry["Accelerator"] = spec.accelerator;
  if (!readable) entry["Problem"] = box.spec.error().message();
  entry["Evidence"] = EvidenceEntry(box);
  return entry;
}

}  // namespace boxlite::cli

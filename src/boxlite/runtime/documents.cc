#include "boxlite/runtime/documents.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <optional>

#include "boxlite/base/base64.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;

bool IsUtf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80       ? 1
                               : lead >> 5 == 6  ? 2
                               : lead >> 4 == 14 ? 3
                               : lead >> 3 == 30 ? 4
                                                 : 0;
    if (length == 0 || i + length > text.size()) return false;
    std::uint32_t point = length == 1 ? lead : lead & (0x7f >> length);
    for (std::size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if (next >> 6 != 2) return false;
      point = point << 6 | (next & 0x3f);
    }
    static constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
      return false;
    }
    i += length;
  }
  return true;
}

Json FromBytes(const std::string& bytes) {
  if (IsUtf8(bytes)) return bytes;
  return Json{{"base64", Base64Encode(bytes)}};
}

std::string ToBytes(const Json& json) {
  if (json.is_object()) {
    std::optional<std::string> bytes = Base64Decode(json.at("base64").get<std::string>());
    if (!bytes) throw std::runtime_error("bad base64");
    return *bytes;
  }
  return json.get<std::string>();
}

Json FromList(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& item : list) out.push_back(FromBytes(item));
  return out;
}

std::vector<std::string> ToList(const Json& json) {
  if (!json.is_array()) throw std::runtime_error("not a list");
  std::vector<std::string> out;
  for (const Json& item : json) out.push_back(ToBytes(item));
  return out;
}

// Numbers are checked: JSON's own get<> would wrap a negative or fractional one silently.
template <typename T>
T ToNumber(const Json& json) {
  if constexpr (std::is_unsigned_v<T>) {
    if (!json.is_number_unsigned()) throw std::runtime_error("not a natural number");
    const auto value = json.get<std::uint64_t>();
    if (value > std::numeric_limits<T>::max()) throw std::runtime_error("number too large");
    return static_cast<T>(value);
  } else {
    if (!json.is_number_integer()) throw std::runtime_error("not a whole number");
    if (json.is_number_unsigned() &&
        json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) {
      throw std::runtime_error("number too large");
    }
    const auto value = json.get<std::int64_t>();
    if (value > std::numeric_limits<T>::max() || value < std::numeric_limits<T>::min()) {
      throw std::runtime_error("number out of range");
    }
    return static_cast<T>(value);
  }
}

std::string Dump(const Json& json) { return json.dump(1) + "\n"; }

// Every decoder runs inside: nlohmann throws, nothing of ours lets that out.
template <typename T>
Result<T> Decode(const char* what, std::string_view text,
                 const std::function<T(const Json&)>& read) {
  if (text.size() > kMaxDocumentBytes) {
    return Error(ErrorCode::kCorrupt, std::string(what) + " is too large");
  }
  try {
    return read(Json::parse(text));
  } catch (const std::exception& exception) {
    return Error(ErrorCode::kCorrupt, std::string(what) + " is damaged: " + exception.what());
  }
}

Json FromIdentity(const ProcessIdentity& identity) {
  return {{"pid", identity.pid}, {"start_ticks", identity.start_ticks}};
}

ProcessIdentity ToIdentity(const Json& json) {
  return {ToNumber<pid_t>(json.at("pid")), ToNumber<std::uint64_t>(json.at("start_ticks"))};
}

Json FromExit(const ProcessExit& exit) {
  if (exit.signal) return {{"signal", *exit.signal}};
  return {{"code", exit.code.value_or(0)}};
}

ProcessExit ToExit(const Json& json) {
  ProcessExit exit;
  if (json.contains("signal")) {
    exit.signal = ToNumber<std::uint8_t>(json.at("signal"));
  } else {
    exit.code = ToNumber<std::uint8_t>(json.at("code"));
  }
  return exit;
}

template <typename Enum>
Enum ToEnum(const Json& json, std::initializer_list<Enum> values,
            std::string_view (*name_of)(Enum)) {
  const auto text = json.get<std::string>();
  for (const Enum value : values) {
    if (name_of(value) == text) return value;
  }
  throw std::runtime_error("unknown value " + text);
}

std::string_view OutcomeKindName(OutcomeKind kind) {
  return kind == OutcomeKind::kEnded ? "ended" : "failed";
}

std::string_view MainInputName(MainInput input) {
  switch (input) {
    case MainInput::kEndsAtOnce:
      return "ends-at-once";
    case MainInput::kEndsWithClient:
      return "ends-with-client";
    case MainInput::kStaysOpen:
      return "stays-open";
  }
  return "ends-at-once";
}

std::string_view StartEventName(StartEvent event) {
  switch (event) {
    case StartEvent::kRecorded:
      return "recorded";
    case StartEvent::kStarted:
      return "started";
    case StartEvent::kFailed:
      return "failed";
  }
  return "failed";
}

Json SpecToJson(const BoxSpec& spec) {
  Json labels = Json::array();
  for (const auto& [key, value] : spec.labels) labels.push_back({FromBytes(key), FromBytes(value)});
  return {{"format", spec.format},
          {"id", spec.id},
          {"name", spec.name},
          {"created_ns", spec.created_ns},
          {"image", FromBytes(spec.image)},
          {"image_digest", spec.image_digest},
          {"argv", FromList(spec.argv)},
          {"command", spec.command == Command::kUsers ? "user" : "image"},
          {"env", FromList(spec.env)},
          {"working_dir", FromBytes(spec.working_dir)},
          {"user", FromBytes(spec.user)},
          {"hostname", FromBytes(spec.hostname)},
          {"stop_signal", spec.stop_signal},
          {"cpus", spec.cpus},
          {"memory_mib", spec.memory_mib},
          {"disk_bytes", spec.disk_bytes},
          {"labels", std::move(labels)},
          {"remove_on_exit", spec.remove_on_exit},
          {"terminal", spec.terminal},
          {"interactive", spec.interactive},
          {"accelerator", spec.accelerator}};
}

BoxSpec JsonToSpec(const Json& json) {
  BoxSpec spec;
  spec.format = ToNumber<std::uint32_t>(json.at("format"));
  spec.id = json.at("id").get<std::string>();
  spec.name = json.at("name").get<std::string>();
  spec.created_ns = ToNumber<std::int64_t>(json.at("created_ns"));
  if (spec.format > kSpecFormat) return spec;  // the caller refuses it; the rest may have changed
  spec.image = ToBytes(json.at("image"));
  spec.image_digest = json.at("image_digest").get<std::string>();
  spec.argv = ToList(json.at("argv"));
  spec.command =
      json.at("command").get<std::string>() == "user" ? Command::kUsers : Command::kImageDefault;
  spec.env = ToList(json.at("env"));
  spec.working_dir = ToBytes(json.at("working_dir"));
  spec.user = ToBytes(json.at("user"));
  spec.hostname = ToBytes(json.at("hostname"));
  spec.stop_signal = ToNumber<int>(json.at("stop_signal"));
  spec.cpus = ToNumber<std::uint32_t>(json.at("cpus"));
  spec.memory_mib = ToNumber<std::uint64_t>(json.at("memory_mib"));
  spec.disk_bytes = ToNumber<std::uint64_t>(json.at("disk_bytes"));
  for (const Json& pair : json.at("labels")) spec.labels[ToBytes(pair.at(0))] = ToBytes(pair.at(1));
  spec.remove_on_exit = json.at("remove_on_exit").get<bool>();
  spec.accelerator = json.at("accelerator").get<std::string>();
  // Absent in what an older boxlite wrote.
  if (json.contains("terminal")) spec.terminal = json["terminal"].get<bool>();
  if (json.contains("interactive")) spec.interactive = json["interactive"].get<bool>();
  return spec;
}

}  // namespace

std::string EncodeSpec(const BoxSpec& spec) { return Dump(SpecToJson(spec)); }

Result<BoxSpec> DecodeSpec(std::string_view json) {
  BOXLITE_ASSIGN_OR_RETURN(BoxSpec spec, Decode<BoxSpec>("box.json", json, JsonToSpec));
  if (spec.format > kSpecFormat) {
    return Error(ErrorCode::kUnsupported, "the box was made by a newer boxlite (format " +
                                              std::to_string(spec.format) + ", this one knows " +
                                              std::to_string(kSpecFormat) +
                                              "): use that version to change it");
  }
  BOXLITE_RETURN_IF_ERROR(ValidateSpec(spec));
  return spec;
}

std::string EncodeRecord(const LifeRecord& record) {
  Json json = {{"life_id", record.life_id},
               {"number", record.number},
               {"phase", PhaseName(record.phase)},
               {"attached", record.attached},
               {"shim", FromIdentity(record.shim)},
               {"boot_id", record.host.boot_id},
               {"pid_namespace", record.host.pid_namespace},
               {"time_namespace", record.host.time_namespace},
               {"protocol_version", record.protocol_version},
               {"started_ns", record.started_ns},
               {"accelerator", record.accelerator},
               {"engine_ms", record.engine_ms},
               {"guest_ms", record.guest_ms},
               {"main_ms", record.main_ms}};
  if (record.vm) json["vm"] = FromIdentity(*record.vm);
  return Dump(json);
}

Result<LifeRecord> DecodeRecord(std::string_view text) {
  return Decode<LifeRecord>("record.json", text, [](const Json& json) {
    LifeRecord record;
    record.life_id = json.at("life_id").get<std::string>();
    record.number = ToNumber<std::uint64_t>(json.at("number"));
    record.phase =
        ToEnum(json.at("phase"),
               {Phase::kBooting, Phase::kReady, Phase::kMainStarted, Phase::kStopping}, PhaseName);
    record.attached = json.at("attached").get<bool>();
    record.shim = ToIdentity(json.at("shim"));
    if (json.contains("vm")) record.vm = ToIdentity(json.at("vm"));
    record.host.boot_id = json.at("boot_id").get<std::string>();
    record.host.pid_namespace = ToNumber<std::uint64_t>(json.at("pid_namespace"));
    record.host.time_namespace = ToNumber<std::uint64_t>(json.at("time_namespace"));
    record.protocol_version = ToNumber<std::uint32_t>(json.at("protocol_version"));
    record.started_ns = ToNumber<std::int64_t>(json.at("started_ns"));
    record.accelerator = json.at("accelerator").get<std::string>();
    // Absent in what an older shim wrote.
    if (json.contains("engine_ms")) record.engine_ms = ToNumber<std::uint32_t>(json["engine_ms"]);
    if (json.contains("guest_ms")) record.guest_ms = ToNumber<std::uint32_t>(json["guest_ms"]);
    if (json.contains("main_ms")) record.main_ms = ToNumber<std::uint32_t>(json["main_ms"]);
    return record;
  });
}

std::string EncodeMainExit(const MainExit& main_exit) {
  return Dump({{"life_id", main_exit.life_id},
               {"exit", FromExit(main_exit.exit)},
               {"at_ns", main_exit.at_ns},
               {"log_end", main_exit.log_end}});
}

Result<MainExit> DecodeMainExit(std::string_view text) {
  return Decode<MainExit>("exit.json", text, [](const Json& json) {
    MainExit main_exit;
    main_exit.life_id = json.at("life_id").get<std::string>();
    main_exit.exit = ToExit(json.at("exit"));
    main_exit.at_ns = ToNumber<std::int64_t>(json.at("at_ns"));
    main_exit.log_end = ToNumber<std::uint64_t>(json.at("log_end"));
    return main_exit;
  });
}

std::string EncodeOutcome(const LifeOutcome& outcome) {
  Json json = {{"life_id", outcome.life_id},     {"kind", OutcomeKindName(outcome.kind)},
               {"flushed", outcome.flushed},     {"forced", FromBytes(outcome.forced)},
               {"requested", outcome.requested}, {"at_ns", outcome.at_ns}};
  if (outcome.kind == OutcomeKind::kFailed) {
    json["stage"] = outcome.stage;
    json["reason"] = FromBytes(outcome.reason);
    json["code"] = static_cast<std::uint16_t>(outcome.code);
  }
  return Dump(json);
}

Result<LifeOutcome> DecodeOutcome(std::string_view text) {
  return Decode<LifeOutcome>("outcome.json", text, [](const Json& json) {
    LifeOutcome outcome;
    outcome.life_id = json.at("life_id").get<std::string>();
    outcome.kind =
        ToEnum(json.at("kind"), {OutcomeKind::kEnded, OutcomeKind::kFailed}, OutcomeKindName);
    outcome.flushed = json.at("flushed").get<bool>();
    outcome.forced = ToBytes(json.at("forced"));
    outcome.at_ns = ToNumber<std::int64_t>(json.at("at_ns"));
    // Absent in what an older shim wrote.
    if (json.contains("requested")) outcome.requested = json["requested"].get<bool>();
    if (outcome.kind == OutcomeKind::kFailed) {
      outcome.stage = json.at("stage").get<std::string>();
      outcome.reason = ToBytes(json.at("reason"));
      outcome.code = ErrorCodeFromNumber(ToNumber<std::uint16_t>(json.at("code")));
    }
    return outcome;
  });
}

std::string EncodeBirth(const ShimBirth& birth) {
  return Dump({{"spec", SpecToJson(birth.spec)},
               {"life_id", birth.life_id},
               {"attached", birth.attached},
               {"reader_comes", birth.reader_comes},
               {"main_input", MainInputName(birth.main_input)},
               {"terminal_rows", birth.terminal_size.rows},
               {"terminal_columns", birth.terminal_size.columns},
               {"engine_kind", birth.engine_kind},
               {"engine_program", FromBytes(birth.engine_program)},
               {"engine_build", FromBytes(birth.engine_build)},
               {"accelerator", birth.accelerator},
               {"accelerator_demanded", birth.accelerator_demanded},
               {"tsc_khz", birth.tsc_khz},
               {"kernel_path", FromBytes(birth.kernel_path)},
               {"initramfs_path", FromBytes(birth.initramfs_path)},
               {"base_name", birth.base_name},
               {"boot_deadline_ms", birth.boot_deadline_ms}});
}

Result<ShimBirth> DecodeBirth(std::string_view text) {
  return Decode<ShimBirth>("the birth message", text, [](const Json& json) {
    ShimBirth birth;
    birth.spec = JsonToSpec(json.at("spec"));
    birth.life_id = json.at("life_id").get<std::string>();
    birth.attached = json.at("attached").get<bool>();
    birth.reader_comes = json.at("reader_comes").get<bool>();
    birth.main_input = ToEnum(
        json.at("main_input"),
        {MainInput::kEndsAtOnce, MainInput::kEndsWithClient, MainInput::kStaysOpen}, MainInputName);
    birth.terminal_size = {ToNumber<std::uint16_t>(json.at("terminal_rows")),
                           ToNumber<std::uint16_t>(json.at("terminal_columns"))};
    birth.engine_kind = json.at("engine_kind").get<std::string>();
    birth.engine_program = ToBytes(json.at("engine_program"));
    birth.engine_build = ToBytes(json.at("engine_build"));
    birth.accelerator = json.at("accelerator").get<std::string>();
    birth.accelerator_demanded = json.at("accelerator_demanded").get<bool>();
    birth.tsc_khz = ToNumber<std::uint64_t>(json.at("tsc_khz"));
    birth.kernel_path = ToBytes(json.at("kernel_path"));
    birth.initramfs_path = ToBytes(json.at("initramfs_path"));
    birth.base_name = json.at("base_name").get<std::string>();
    birth.boot_deadline_ms = ToNumber<std::uint32_t>(json.at("boot_deadline_ms"));
    return birth;
  });
}

std::string EncodeReport(const StartReport& report) {
  Json json = {{"event", StartEventName(report.event)}};
  if (report.event == StartEvent::kFailed) {
    json["code"] = static_cast<std::uint16_t>(report.code);
    json["stage"] = report.stage;
    json["message"] = FromBytes(report.message);
  }
  return json.dump() + "\n";  // one line: the reader splits at line ends
}

Result<StartReport> DecodeReport(std::string_view text) {
  return Decode<StartReport>("the start report", text, [](const Json& json) {
    StartReport report;
    report.event =
        ToEnum(json.at("event"), {StartEvent::kRecorded, StartEvent::kStarted, StartEvent::kFailed},
               StartEventName);
    if (report.event == StartEvent::kFailed) {
      report.code = ErrorCodeFromNumber(ToNumber<std::uint16_t>(json.at("code")));
      report.stage = json.at("stage").get<std::string>();
      report.message = ToBytes(json.at("message"));
    }
    return report;
  });
}

std::string EncodeHolder(const LockHolder& holder) {
  return Json{{"pid", holder.pid}, {"verb", holder.verb}}.dump();
}

Result<LockHolder> DecodeHolder(std::string_view text) {
  return Decode<LockHolder>("a lock's note", text, [](const Json& json) {
    return LockHolder{ToNumber<int>(json.at("pid")), json.at("verb").get<std::string>()};
  });
}

}  // namespace boxlite

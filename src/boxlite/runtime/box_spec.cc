#include "boxlite/runtime/box_spec.h"

#include <sys/random.h>

#include <algorithm>

namespace boxlite {
namespace {

constexpr std::string_view kIdDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kIdLength = 12;
// Linux: HOST_NAME_MAX.
constexpr std::size_t kMaxHostname = 64;
constexpr std::size_t kMaxName = 128;
// What execve takes at most (MAX_ARG_STRLEN a string; ARG_MAX in all is refused by the guest's
// kernel).
constexpr std::size_t kMaxArgument = 128 * 1024;

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

Error Invalid(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

Status ValidateRange(const char* field, std::uint64_t value, std::uint64_t smallest,
                     std::uint64_t largest, const char* unit) {
  if (value >= smallest && value <= largest) return {};
  return Invalid(std::string(field) + " is " + std::to_string(value) + unit + ", allowed is " +
                 std::to_string(smallest) + unit + " to " + std::to_string(largest) + unit);
}

Status ValidateBytes(const char* field, const std::string& bytes) {
  if (bytes.find('\0') != std::string::npos) {
    return Invalid(std::string(field) + " contains a NUL byte, which no program can be given");
  }
  if (bytes.size() >= kMaxArgument) {
    return Invalid(std::string(field) + " is longer than 128 KiB, which no program can be given");
  }
  return {};
}

}  // namespace

BoxId BoxId::Random() {
  std::string text;
  while (text.size() < kIdLength) {
    unsigned char byte = 0;
    BOXLITE_CHECK(::getrandom(&byte, 1, 0) == 1);
    // 252 = 7 * 36: larger bytes would make the first digits likelier.
    if (byte < 252) text.push_back(kIdDigits[byte % 36]);
  }
  return BoxId(std::move(text));
}

std::optional<BoxId> BoxId::Parse(std::string_view text) {
  if (text.size() != kIdLength) return std::nullopt;
  if (text.find_first_not_of(kIdDigits) != std::string_view::npos) return std::nullopt;
  return BoxId(std::string(text));
}

Status ValidateName(std::string_view name) {
  const bool good = !name.empty() && name.size() <= kMaxName && IsAlphanumeric(name[0]) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return IsAlphanumeric(c) || c == '_' || c == '.' || c == '-';
                    });
  if (good) return {};
  return Invalid(
      "a box's name begins with a letter or digit, goes on with letters, digits, '_', '.' and '-', "
      "and has at most 128 characters");
}

Status ValidateSpec(const BoxSpec& spec) {
  if (!BoxId::Parse(spec.id)) return Invalid("the box's id is malformed");
  if (!spec.name.empty()) BOXLITE_RETURN_IF_ERROR(ValidateName(spec.name));
  if (spec.argv.empty() || spec.argv[0].empty()) {
    return Invalid("there is no command to run: the image has none, and none was given");
  }
  BOXLITE_RETURN_IF_ERROR(
      ValidateRange("--memory", spec.memory_mib, kMinMemoryMib, kMaxMemoryMib, " MiB"));
  BOXLITE_RETURN_IF_ERROR(ValidateRange("--cpus", spec.cpus, 1, kMaxCpus, ""));
  BOXLITE_RETURN_IF_ERROR(
      ValidateRange("--disk-size", spec.disk_bytes, kMinDiskBytes, kMaxDiskBytes, " bytes"));
  BOXLITE_RETURN_IF_ERROR(
      ValidateRange("the stop signal", static_cast<std::uint64_t>(spec.stop_signal), 1, 64, ""));
  for (const std::string& argument : spec.argv) {
    BOXLITE_RETURN_IF_ERROR(ValidateBytes("an argument", argument));
  }
  for (const std::string& variable : spec.env) {
    BOXLITE_RETURN_IF_ERROR(ValidateBytes("an environment variable", variable));
    if (variable.find('=') == std::string::npos || variable[0] == '=') {
      return Invalid("an environment variable is not NAME=VALUE: " + variable);
    }
  }
  BOXLITE_RETURN_IF_ERROR(ValidateBytes("the working directory", spec.working_dir));
  if (!spec.working_dir.empty() && spec.working_dir[0] != '/') {
    return Invalid("the working directory must be absolute: " + spec.working_dir);
  }
  BOXLITE_RETURN_IF_ERROR(ValidateBytes("the user", spec.user));
  if (spec.hostname.empty() || spec.hostname.size() > kMaxHostname ||
      !std::all_of(spec.hostname.begin(), spec.hostname.end(),
                   [](char c) { return IsAlphanumeric(c) || c == '-' || c == '.' || c == '_'; })) {
    return Invalid("a hostname has 1 to 64 letters, digits, '-', '_' and '.'");
  }
  if (spec.accelerator != "auto" && spec.accelerator != "kvm" && spec.accelerator != "tcg") {
    return Invalid("--accel is auto, kvm or tcg");
  }
  return {};
}

}  // namespace boxlite

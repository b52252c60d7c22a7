// BoxSpec: what a box is, decided at create; only its name may change. A plain value; box.json is
// its form on disk. All strings are bytes: they may hold anything but NUL.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

// 12 characters of [0-9a-z], random. A type, so that a name or a prefix cannot be passed for an id.
class BoxId {
 public:
  static BoxId Random();
  static std::optional<BoxId> Parse(std::string_view text);

  const std::string& str() const { return text_; }
  auto operator<=>(const BoxId&) const = default;

 private:
  explicit BoxId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

inline constexpr std::uint32_t kSpecFormat = 1;
inline constexpr std::uint32_t kDefaultCpus = 1;
inline constexpr std::uint64_t kDefaultMemoryMib = 512;
inline constexpr std::uint64_t kDefaultDiskBytes = 10ULL << 30;
// Below it a boot may fail: the stock kernel leaves programs 33 MiB less than the machine has, and
// with 96 MiB 1 boot in 3 ends in "deadlocked on memory" while the root is mounted. 104 MiB boots,
// 128 MiB has room to work (measured).
inline constexpr std::uint64_t kMinMemoryMib = 128;
inline constexpr std::uint64_t kMaxMemoryMib = 1ULL << 20;
inline constexpr std::uint32_t kMaxCpus = 64;
inline constexpr std::uint64_t kMinDiskBytes = 64ULL << 20;
inline constexpr std::uint64_t kMaxDiskBytes = 1ULL << 40;

enum class Command { kImageDefault, kUsers };

struct BoxSpec {
  std::uint32_t format = kSpecFormat;
  std::string id;
  std::string name;                          // empty: none
  std::int64_t created_ns = 0;               // since 1970
  std::string image;                         // as the user named it
  std::string image_digest;                  // "sha256:<hex>", names the base in the home's images/
  std::vector<std::string> argv;             // main, complete: entrypoint and command merged
  Command command = Command::kImageDefault;  // whose argv is: decides whether exec may boot the box
  std::vector<std::string> env;              // KEY=VALUE, complete
  std::string working_dir;                   // empty: "/"
  std::string user;                          // empty: root
  std::string hostname;
  int stop_signal = 15;
  std::uint32_t cpus = kDefaultCpus;
  std::uint64_t memory_mib = kDefaultMemoryMib;
  std::uint64_t disk_bytes = kDefaultDiskBytes;
  std::map<std::string, std::string> labels;
  bool remove_on_exit = false;
  bool terminal = false;             // main gets a pseudo-terminal
  bool interactive = false;          // clients feed main's input; see MainInput in shim_birth.h
  std::string accelerator = "auto";  // auto | kvm | tcg

  bool operator==(const BoxSpec&) const = default;
};

// kInvalidArgument with the field, the value and the allowed range.
Status ValidateSpec(const BoxSpec& spec);
Status ValidateName(std::string_view name);

std::string EncodeSpec(const BoxSpec& spec);
// kCorrupt for text that is no spec; kUnsupported for a format newer than kSpecFormat (a newer
// boxlite made the box: this one can list it, and refuses to change it).
Result<BoxSpec> DecodeSpec(std::string_view json);

}  // namespace boxlite

#include "boxlite/vmm/accelerator.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "boxlite/base/files.h"
#include "boxlite/base/process_identity.h"
#include "boxlite/base/spawn.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace boxlite {
namespace {

using Json = nlohmann::json;

constexpr char kCacheFile[] = "accelerator.json";
constexpr std::size_t kCacheLimit = 64 * 1024;
constexpr char kQemuName[] = "qemu-system-x86_64";
constexpr int kOldestMajor = 7;
constexpr int kOldestMinor = 2;

struct CachedVerdict {
  std::string boot_id;
  std::string build;
  bool kvm = false;
  bool kvm_opened = false;  // whether /dev/kvm was open to this user then
  std::string reason;
  std::uint64_t tsc_khz = 0;
};

// A verdict is good for a boot only as long as this stays: modprobe and a group's membership change
// it.
bool KvmOpens() { return ::access("/dev/kvm", R_OK | W_OK) == 0; }

std::optional<CachedVerdict> ReadCache(int dir_fd, const std::string& boot_id,
                                       const std::string& build) {
  if (dir_fd < 0) return std::nullopt;
  Result<std::string> text = ReadFile(dir_fd, kCacheFile, kCacheLimit);
  if (!text.ok()) return std::nullopt;
  try {
    const Json json = Json::parse(*text);
    CachedVerdict cached{json.at("boot_id"),    json.at("build"),  json.at("kvm"),
                         json.at("kvm_opened"), json.at("reason"), json.at("tsc_khz")};
    if (cached.boot_id == boot_id && cached.build == build && cached.kvm_opened == KvmOpens()) {
      return cached;
    }
  } catch (const std::exception&) {
    // A damaged cache is no cache: the trial is cheap.
  }
  return std::nullopt;
}

Status WriteCache(int dir_fd, const CachedVerdict& verdict) {
  const Json json = {{"boot_id", verdict.boot_id}, {"build", verdict.build},
                     {"kvm", verdict.kvm},         {"kvm_opened", verdict.kvm_opened},
                     {"reason", verdict.reason},   {"tsc_khz", verdict.tsc_khz}};
  return WriteFileAtomically(dir_fd, kCacheFile,
                             json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n",
                             Durability::kVolatile);
}

std::optional<QemuBinary> ProgramAt(const std::string& path) {
  struct stat info = {};
  if (::access(path.c_str(), X_OK) != 0 || ::stat(path.c_str(), &info) != 0) return std::nullopt;
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  return QemuBinary{path, path + ":" + std::to_string(info.st_size) + ":" +
                              std::to_string(info.st_mtim.tv_sec) + "." +
                              std::to_string(info.st_mtim.tv_nsec)};
}

}  // namespace

Result<AcceleratorRequest> ParseAcceleratorRequest(const std::string& text) {
  if (text == "auto") return AcceleratorRequest::kAuto;
  if (text == "kvm") return AcceleratorRequest::kKvm;
  if (text == "tcg") return AcceleratorRequest::kTcg;
  return Error(ErrorCode::kInvalidArgument, "--accel is auto, kvm or tcg, not " + text);
}

Result<QemuBinary> FindQemu() {
  const char* path = std::getenv("PATH");
  return FindQemu(std::string(path != nullptr ? path : "") + ":/usr/bin:/usr/local/bin");
}

Result<QemuBinary> FindQemu(const std::string& search_path) {
  std::string_view rest = search_path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string directory(rest.substr(0, colon));
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    // A relative or empty entry means whatever directory a caller happens to be in.
    if (directory.empty() || directory[0] != '/') continue;
    if (std::optional<QemuBinary> found = ProgramAt(directory + "/" + kQemuName)) return *found;
  }
  return Error(
      ErrorCode::kNotFound,
      std::string("there is no ") + kQemuName +
          " on this host: install QEMU 7.2 or later (Debian: qemu-system-x86 and qemu-utils)");
}

Result<std::string> ParseQemuVersion(const std::string& output) {
  constexpr std::string_view kBefore = "QEMU emulator version ";
  int major = 0;
  int minor = 0;
  int patch = 0;
  if (!output.starts_with(kBefore) ||
      std::sscanf(output.c_str() + kBefore.size(), "%4d.%4d.%4d", &major, &minor, &patch) < 2 ||
      major < 0 || minor < 0 || patch < 0) {
    return Error(ErrorCode::kCorrupt, "it does not answer --version as QEMU does: it is no QEMU");
  }
  const std::string version =
      std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  if (major < kOldestMajor || (major == kOldestMajor && minor < kOldestMinor)) {
    return Error(ErrorCode::kUnsupported,
                 "QEMU " + version + " is too old: 7.2 or later is needed");
  }
  return version;
}

Result<std::string> QemuVersion(const std::string& path) {
  Result<std::string> output = RunProgram({path, "--version"});
  if (!output.ok()) return std::move(output).error().While("ask for QEMU's version");
  Result<std::string> version = ParseQemuVersion(*output);
  if (!version.ok()) return std::move(version).error().While(path);
  return version;
}

#if defined(__x86_64__)

Result<std::uint64_t> MeasureTscKhz() {
  // Two points, 10 ms apart. Each is the tightest of several pairs of readings: a pair that was
  // interrupted is wider. The error is then some tens of nanoseconds in ten milliseconds.
  struct Point {
    std::uint64_t tsc = 0;
    std::int64_t ns = 0;
  };
  const auto read_point = []() {
    Point best;
    std::uint64_t best_width = ~0ULL;
    for (int i = 0; i < 16; ++i) {
      timespec now = {};
      const std::uint64_t before = __rdtsc();
      ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
      const std::uint64_t after = __rdtsc();
      if (after - before >= best_width) continue;
      best_width = after - before;
      best.tsc = before + (after - before) / 2;
      best.ns = static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
    }
    return best;
  };
  const Point first = read_point();
  // A measured stretch of time, not a wait for something.
  const timespec stretch = {0, 10'000'000};
  ::nanosleep(&stretch, nullptr);
  const Point second = read_point();
  const double khz =
      static_cast<double>(second.tsc - first.tsc) * 1e6 / static_cast<double>(second.ns - first.ns);
  if (!(khz > 1e5 && khz < 1e8)) {
    return Error(ErrorCode::kUnsupported, "the host's time stamp counter is not usable");
  }
  return static_cast<std::uint64_t>(khz + 0.5);
}

#else

Result<std::uint64_t> MeasureTscKhz() {
  return Error(ErrorCode::kUnsupported, "this processor has no time stamp counter");
}

#endif

Result<AcceleratorVerdict> ChooseAccelerator(AcceleratorRequest request, const QemuBinary& qemu,
                                             int cache_dir_fd, CacheUse cache_use) {
  BOXLITE_ASSIGN_OR_RETURN(HostIdentity host, CurrentHostIdentity());
  std::optional<CachedVerdict> cached = ReadCache(cache_dir_fd, host.boot_id, qemu.build);
  const bool from_cache = cached.has_value();
  if (!cached) {
    BOXLITE_ASSIGN_OR_RETURN(std::string version, QemuVersion(qemu.path));
    Status kvm = TryKvm();
    cached = CachedVerdict{host.boot_id,
                           qemu.build,
                           kvm.ok(),
                           KvmOpens(),
                           kvm.ok() ? "a trial guest ran" : kvm.error().message(),
                           0};
    Result<std::uint64_t> tsc = MeasureTscKhz();
    if (tsc.ok()) cached->tsc_khz = *tsc;
    if (cache_use == CacheUse::kReadWrite && cache_dir_fd >= 0) {
      // Without it the next start tries again: slower, not wrong.
      static_cast<void>(WriteCache(cache_dir_fd, *cached).ok());
    }
  }
  AcceleratorVerdict verdict;
  verdict.reason = cached->reason;
  verdict.from_cache = from_cache;
  const bool kvm = request != AcceleratorRequest::kTcg && cached->kvm;
  if (request == AcceleratorRequest::kKvm && !cached->kvm) {
    return Error(ErrorCode::kUnavailable, "KVM was asked for and does not work here: " +
                                              cached->reason + " (boxlite doctor explains)");
  }
  if (request == AcceleratorRequest::kTcg) verdict.reason = "asked for";
  verdict.accelerator = kvm ? Accelerator::kKvm : Accelerator::kTcg;
  verdict.tsc_khz = kvm ? 0 : cached->tsc_khz;
  return verdict;
}

Status RememberKvmFailure(const std::string& qemu_build, int cache_dir_fd,
                          const std::string& reason) {
  BOXLITE_ASSIGN_OR_RETURN(HostIdentity host, CurrentHostIdentity());
  CachedVerdict verdict{
      host.boot_id, qemu_build, false, KvmOpens(), "a boot under KVM failed: " + reason, 0};
  Result<std::uint64_t> tsc = MeasureTscKhz();
  if (tsc.ok()) verdict.tsc_khz = *tsc;
  return WriteCache(cache_dir_fd, verdict);
}

}  // namespace boxlite

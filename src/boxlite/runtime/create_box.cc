#include "boxlite/runtime/create_box.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <map>

#include <cstring>
#include <map>

#include "boxlite/base/cleanup.h"
#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/runtime/evidence.h"

namespace boxlite {
namespace {

// A creator takes milliseconds; nothing older without a lock is being worked on.
constexpr time_t kLeftoverAge = 3600;

std::string NameOf(const std::string& variable) { return variable.substr(0, variable.find('=')); }

Result<int> StopSignalOf(const std::string& text) {
  if (text.empty()) return SIGTERM;
  const std::string name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int number = 1; number < NSIG; ++number) {
    const char* abbreviation = ::sigabbrev_np(number);
    if (abbreviation != nullptr && name == abbreviation) return number;
    if (name == std::to_string(number)) return number;
  }
  return Error(ErrorCode::kInvalidArgument, "the image's stop signal is unknown: " + text);
}

Status MakeBoxFiles(int pending_fd) {
  for (const char* name : {kVerbLock, kShimLock, kVmLock}) {
    Fd fd(::openat(pending_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd.valid()) return ErrnoError(std::string("make ") + name);
  }
  return EnsureDirectory(pending_fd, kLivesDir);
}

void SweepPending(const Home& home, const std::string& entry) {
  struct stat info = {};
  if (::fstatat(home.boxes_fd(), entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (info.st_mtim.tv_sec + kLeftoverAge > ::time(nullptr)) return;
  Result<Fd> pending = OpenDirectory(home.boxes_fd(), entry);
  if (!pending.ok()) return;
  Result<LockState> lock = ProbeLock(pending->get(), kVerbLock);
  if (!lock.ok() || *lock == LockState::kHeld) return;
  static_cast<void>(RemoveTree(home.boxes_fd(), entry).ok());
}

}  // namespace

std::vector<std::string> MergeEnvironment(const std::vector<std::string>& base,
                                          const std::vector<std::string>& over) {
  std::vector<std::string> merged = base;
  std::multimap<std::string, std::size_t, std::less<>> places;  // a base may name one twice
  for (std::size_t i = 0; i < merged.size(); ++i) places.emplace(NameOf(merged[i]), i);
  for (const std::string& variable : over) {
    const auto [first, last] = places.equal_range(NameOf(variable));
    for (auto place = first; place != last; ++place) merged[place->second] = variable;
    if (first != last) continue;
    places.emplace(NameOf(variable), merged.size());
    merged.push_back(variable);
  }
  return merged;
}

Result<BoxSpec> MergeSpec(const CreateOptions& options, const StoredImage& image, const BoxId& id,
                          std::int64_t now_ns) {
  BoxSpec spec;
  spec.id = id.str();
  spec.name = options.name;
  spec.created_ns = now_ns;
  spec.image = options.rootfs.empty() ? options.image : options.rootfs;
  spec.image_digest = image.digest;
  std::vector<std::string> entrypoint = options.entrypoint.value_or(image.config.entrypoint);
  if (entrypoint.size() == 1 && entrypoint[0].empty()) entrypoint.clear();
  const bool drops_command = options.entrypoint.has_value();
  spec.argv = entrypoint;
  const std::vector<std::string>& command =
      options.command.empty() && !drops_command ? image.config.command : options.command;
  spec.argv.insert(spec.argv.end(), command.begin(), command.end());
  spec.command =
      options.command.empty() && !options.entrypoint ? Command::kImageDefault : Command::kUsers;
  spec.env = MergeEnvironment(image.config.env, options.env);
  spec.working_dir = options.working_dir.empty() ? image.config.working_dir : options.working_dir;
  spec.user = options.user.empty() ? image.config.user : options.user;
  spec.hostname = options.hostname.empty() ? id.str() : options.hostname;
  if (options.stop_signal) {
    spec.stop_signal = *options.stop_signal;
  } else {
    BOXLITE_ASSIGN_OR_RETURN(spec.stop_signal, StopSignalOf(image.config.stop_signal));
  }
  spec.cpus = options.cpus.value_or(kDefaultCpus);
  spec.memory_mib = options.memory_mib.value_or(kDefaultMemoryMib);
  spec.disk_bytes = options.disk_bytes.value_or(kDefaultDiskBytes);
  spec.labels = options.labels;
  spec.remove_on_exit = options.remove_on_exit;
  spec.terminal = options.terminal;
  spec.interactive = options.interactive;
  spec.accelerator = options.accelerator;
  BOXLITE_RETURN_IF_ERROR(ValidateSpec(spec));
  return spec;
}

Status PublishBox(const Home& home, const BoxSpec& spec) {
  const std::string pending = kPendingPrefix + spec.id;
  if (::mkdirat(home.boxes_fd(), pending.c_str(), 0700) != 0) return ErrnoError("make the box");
  Cleanup remove_pending([&] { static_cast<void>(RemoveTree(home.boxes_fd(), pending).ok()); });
  BOXLITE_ASSIGN_OR_RETURN(Fd box, OpenDirectory(home.boxes_fd(), pending));
  BOXLITE_RETURN_IF_ERROR(MakeBoxFiles(box.get()));
  BOXLITE_FAILPOINT("create.files");
  // Held until the box is published: who finds the name taken sees that its creator lives.
  BOXLITE_ASSIGN_OR_RETURN(OfdLock verb, OfdLock::TryAcquire(box.get(), kVerbLock));
  BOXLITE_RETURN_IF_ERROR(
      WriteFileAtomically(box.get(), kSpecFile, EncodeSpec(spec), Durability::kDurable));
  const BoxId id = *BoxId::Parse(spec.id);
  if (!spec.name.empty()) BOXLITE_RETURN_IF_ERROR(home.ClaimName(spec.name, id));
  BOXLITE_FAILPOINT("create.named");
  Cleanup release_name([&] { static_cast<void>(home.ReleaseName(spec.name, id).ok()); });
  if (::renameat2(home.boxes_fd(), pending.c_str(), home.boxes_fd(), spec.id.c_str(),
                  RENAME_NOREPLACE) != 0) {
    return ErrnoError("publish the box");
  }
  BOXLITE_FAILPOINT("create.published");
  remove_pending.Cancel();
  release_name.Cancel();
  return SyncDirectory(home.boxes_fd());
}

void SweepLeftovers(const Home& home) {
  Result<std::vector<std::string>> boxes = ListDirectory(home.boxes_fd());
  if (boxes.ok()) {
    for (const std::string& entry : *boxes) {
      if (entry.starts_with(kPendingPrefix)) SweepPending(home, entry);
    }
  }
  Result<std::vector<std::string>> trash = ListDirectory(home.trash_fd());
  if (!trash.ok()) return;
  for (const std::string& entry : *trash) {
    static_cast<void>(RemoveTree(home.trash_fd(), entry).ok());
  }
}

}  // namespace boxlite

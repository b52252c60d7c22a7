#include "boxlite/store/image_making.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/base/interrupt.h"

namespace boxlite {
namespace {

constexpr std::string_view kNew = ".new-";
constexpr std::string_view kLock = ".lock-";
// A wait has no end of its own: the other may download for hours. In steps, to see an interrupt.
constexpr std::chrono::milliseconds kMoment{200};
constexpr std::chrono::seconds kStep{1};

// Left free beside what is written: overlays of running boxes grow on the same filesystem.
constexpr std::uint64_t kReserveBytes = 128ULL << 20;

std::string NewName(const std::string& key) { return std::string(kNew) + key; }
std::string LockName(const std::string& key) { return std::string(kLock) + key; }

// The lock's file is made for it and taken away with it; kNotFound: taken away just now.
Result<OfdLock> TakeLock(int images_fd, const std::string& key, std::chrono::milliseconds wait) {
  const std::string name = LockName(key);
  Fd file(::openat(images_fd, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return ErrnoError("make the lock of an image");
  return OfdLock::Acquire(images_fd, name, wait);
}

std::string Megabytes(std::uint64_t bytes) { return std::to_string(bytes / 1'000'000) + " MB"; }

}  // namespace

ImageMaking::ImageMaking(int images_fd, std::string key, OfdLock lock, Fd directory)
    : images_fd_(images_fd),
      key_(std::move(key)),
      lock_(std::move(lock)),
      directory_(std::move(directory)) {}

ImageMaking::ImageMaking(ImageMaking&& other) noexcept
    : images_fd_(other.images_fd_),
      key_(std::move(other.key_)),
      lock_(std::exchange(other.lock_, std::nullopt)),
      directory_(std::move(other.directory_)) {}

ImageMaking::~ImageMaking() {
  if (!lock_) return;
  static_cast<void>(RemoveTree(images_fd_, NewName(key_)).ok());
  // While it is held: whoever opened it meanwhile sees that it is no longer the one by that name.
  static_cast<void>(::unlinkat(images_fd_, LockName(key_).c_str(), 0));
}

Result<ImageMaking> ImageMaking::Begin(const ImageStore& store, const std::string& key,
                                       const std::function<void()>& on_wait) {
  static_cast<void>(SweepMakings(store, Sweep::kRemove).ok());
  bool told = false;
  for (;;) {
    Result<OfdLock> lock = TakeLock(store.images_fd(), key, told ? kStep : kMoment);
    if (lock.ok()) {
      // What a dead maker left of the same image.
      BOXLITE_RETURN_IF_ERROR(RemoveTree(store.images_fd(), NewName(key)));
      ImageMaking making(store.images_fd(), key, std::move(*lock), Fd());
      if (::mkdirat(store.images_fd(), NewName(key).c_str(), 0700) != 0) {
        return ErrnoError("make an image");
      }
      BOXLITE_ASSIGN_OR_RETURN(making.directory_, OpenDirectory(store.images_fd(), NewName(key)));
      return making;
    }
    if (lock.error().code() == ErrorCode::kNotFound) continue;
    if (lock.error().code() != ErrorCode::kTimeout) return std::move(lock).error();
    if (!told && on_wait) on_wait();
    told = true;
    if (Interrupted()) return InterruptedError();
  }
}

Status ImageMaking::Publish(const StoredImage& image) {
  BOXLITE_RETURN_IF_ERROR(WriteFileAtomically(directory(), kUseLock, "", Durability::kVolatile));
  BOXLITE_RETURN_IF_ERROR(
      WriteFileAtomically(directory(), kImageFile, EncodeImage(image), Durability::kDurable));
  BOXLITE_RETURN_IF_ERROR(SyncDirectory(directory()));
  BOXLITE_FAILPOINT("image.ready");
  const std::string name = ImageDirectoryName(image.digest);
  if (::renameat2(images_fd_, NewName(key_).c_str(), images_fd_, name.c_str(), RENAME_NOREPLACE) !=
          0 &&
      errno != EEXIST) {
    return ErrnoError("publish the image " + image.digest);
  }
  BOXLITE_FAILPOINT("image.published");
  return SyncDirectory(images_fd_);
}

Result<std::vector<std::string>> SweepMakings(const ImageStore& store, Sweep sweep) {
  std::vector<std::string> left;
  if (store.images_fd() < 0) return left;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(store.images_fd()));
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const bool is_new = name.starts_with(kNew);
    if (!is_new && !name.starts_with(kLock)) continue;
    const std::string key = name.substr(is_new ? kNew.size() : kLock.size());
    Result<LockState> state = ProbeLock(store.images_fd(), LockName(key));
    if (!state.ok() || *state == LockState::kHeld) continue;
    if (sweep == Sweep::kLook) {
      left.push_back(name);
      continue;
    }
    Result<OfdLock> lock = TakeLock(store.images_fd(), key, std::chrono::milliseconds(0));
    if (!lock.ok()) continue;  // somebody begins to make it
    if (RemoveTree(store.images_fd(), NewName(key)).ok()) left.push_back(name);
    static_cast<void>(::unlinkat(store.images_fd(), LockName(key).c_str(), 0));
  }
  return left;
}

Status RequireSpace(int dir_fd, std::uint64_t bytes, const std::string& what) {
  struct statvfs info = {};
  if (::fstatvfs(dir_fd, &info) != 0) return ErrnoError("look at the home's filesystem");
  const std::uint64_t free = info.f_bavail * std::uint64_t{info.f_frsize};
  if (free >= kReserveBytes && free - kReserveBytes >= bytes) return {};
  return Error(ErrorCode::kResourceExhausted,
               what + " needs " + Megabytes(bytes) + " on the home's filesystem, and " +
                   Megabytes(kReserveBytes) + " stay free for boxes that run; there are " +
                   Megabytes(free) + ": boxlite image prune -a, boxlite prune, or a larger disk");
}

}  // namespace boxlite

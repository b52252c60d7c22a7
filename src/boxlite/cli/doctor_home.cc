// The part of the examination that looks at the home, or at where it would be made.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boxlite/base/fd.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/cli/doctor_parts.h"
#include "boxlite/cli/units.h"
#include "boxlite/runtime/home.h"

namespace boxlite::cli {
namespace {

constexpr std::uint64_t kNoSpace = 64 * kMib;  // an image and a box's first writes do not fit
constexpr std::uint64_t kLittleSpace = 2 * kGib;

struct Place {
  std::string path;  // the home, or the nearest directory above it that exists
  bool is_home = false;
  Fd fd;
};

Result<Place> NearestDirectory(const std::string& home) {
  Place place{home, true, Fd()};
  for (;;) {
    place.fd.Reset(::open(place.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (place.fd.valid()) return place;
    if (errno != ENOENT || place.path.size() <= 1) return ErrnoError(place.path);
    const std::size_t slash = place.path.rfind('/');
    place.path = slash == 0 ? "/" : place.path.substr(0, slash);
    place.is_home = false;
  }
}

Finding CheckRights(const Place& place, const std::string& home) {
  struct stat info = {};
  if (::fstat(place.fd.get(), &info) != 0) return {"home", Health::kFail, std::strerror(errno), ""};
  const std::string detail =
      place.is_home ? home : home + " does not exist yet; it would be made below " + place.path;
  if (::faccessat(AT_FDCWD, place.path.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return {"home", Health::kFail, detail + ": " + std::strerror(errno),
            "choose a directory of your own with --home or BOXLITE_HOME"};
  }
  if (!place.is_home) return {"home", Health::kOk, detail, ""};
  if (info.st_uid != ::geteuid()) {
    return {"home", Health::kWarn,
            detail + " belongs to user " + std::to_string(info.st_uid) + ", not to you",
            "boxes of several users do not belong into one home"};
  }
  if ((info.st_mode & 0077) != 0) {
    return {"home", Health::kWarn, detail + " is open to other users", "chmod 700 '" + home + "'"};
  }
  return {"home", Health::kOk, detail, ""};
}

Finding CheckHomeFilesystem(const Place& place) {
  Result<FilesystemVerdict> verdict = CheckFilesystem(place.fd.get());
  if (!verdict.ok()) return {"filesystem", Health::kFail, verdict.error().message(), ""};
  if (!verdict->usable.ok()) {
    return {"filesystem", Health::kFail, verdict->usable.error().message(),
            "choose a local directory with --home or BOXLITE_HOME"};
  }
  return {"filesystem", Health::kOk, verdict->name, ""};
}

// On a file that has no name: the directory does not change.
Finding CheckLocks(const Place& place) {
  const Fd file(::openat(place.fd.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file.valid()) {
    return {"locks", Health::kWarn,
            std::string("not tried: no unnamed file can be made there: ") + std::strerror(errno),
            ""};
  }
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const std::string again = "/proc/self/fd/" + std::to_string(file.get());
  const Fd other(::open(again.c_str(), O_RDWR | O_CLOEXEC));
  if (!other.valid() || ::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) {
    return {"locks", Health::kFail,
            std::string("a lock could not be taken: ") + std::strerror(errno),
            "choose a local directory with --home or BOXLITE_HOME"};
  }
  Result<LockState> seen = ProbeLock(other.get());
  if (!seen.ok() || *seen != LockState::kHeld) {
    return {
        "locks", Health::kFail, "a held lock is not seen through a second descriptor",
        "choose another filesystem with --home or BOXLITE_HOME: states cannot be told on this one"};
  }
  return {"locks", Health::kOk, "locks are held and seen", ""};
}

Finding CheckSpace(const Place& place) {
  struct statvfs info = {};
  if (::fstatvfs(place.fd.get(), &info) != 0) {
    return {"disk", Health::kWarn, std::string("free space is unknown: ") + std::strerror(errno),
            ""};
  }
  const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  const std::string detail = std::to_string(free / kMib) + " MiB free";
  if ((info.f_flag & ST_RDONLY) != 0) {
    return {"disk", Health::kFail, "the filesystem is read-only", "choose another with --home"};
  }
  if (free < kNoSpace)
    return {"disk", Health::kFail, detail, "make room, or choose another --home"};
  if (free < kLittleSpace) {
    return {"disk", Health::kWarn, detail, "boxes grow up to their --disk-size: make room"};
  }
  return {"disk", Health::kOk, detail, ""};
}

}  // namespace

void ExamineHome(const std::string& home, std::vector<Finding>& findings) {
  Result<std::string> path = Home::ResolvePath(home);
  if (!path.ok()) {
    findings.push_back({"home", Health::kFail, path.error().message(), "set HOME, or give --home"});
    return;
  }
  Result<Place> place = NearestDirectory(*path);
  if (!place.ok()) {
    findings.push_back({"home", Health::kFail, place.error().message(),
                        "choose a directory of your own with --home or BOXLITE_HOME"});
    return;
  }
  findings.push_back(CheckRights(*place, *path));
  findings.push_back(CheckHomeFilesystem(*place));
  findings.push_back(CheckLocks(*place));
  findings.push_back(CheckSpace(*place));
}

std::vector<Finding> ExamineHost(const std::string& home) {
  std::vector<Finding> findings;
  ExamineMachine(findings);
  ExamineHome(home, findings);
  return findings;
}

}  // namespace boxlite::cli

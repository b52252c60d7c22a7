#include "boxlite/runtime/home.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"

namespace boxlite {
namespace {

// Names are made and removed in microseconds; only a stopped process can hold the lock longer.
constexpr std::chrono::seconds kNamesLockWait{10};

constexpr char kNamesLock[] = "names.lock";

Status EnsureFile(int dir_fd, const char* name) {
  Fd fd(::openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return ErrnoError(std::string("make ") + name);
  return {};
}

Status MakeParents(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST) {
      return ErrnoError("make the directory " + path.substr(0, slash));
    }
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return ErrnoError("make the home " + path);
  }
  return {};
}

Result<std::optional<std::string>> ReadLink(int dir_fd, const std::string& name) {
  char target[64];
  const ssize_t length = ::readlinkat(dir_fd, name.c_str(), target, sizeof target);
  if (length < 0) {
    if (errno == ENOENT || errno == EINVAL) return std::optional<std::string>();
    return ErrnoError("read the name " + name);
  }
  return std::optional<std::string>(std::string(target, static_cast<std::size_t>(length)));
}

bool Exists(int dir_fd, const std::string& name) {
  struct stat info = {};
  return ::fstatat(dir_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

// Whether the box of this id is there and has this name. Of one that cannot be read the index is
// believed: nobody may take a name from a box for being damaged.
bool HasName(int boxes_fd, const std::string& id, const std::string& name) {
  Result<Fd> box = OpenDirectory(boxes_fd, id);
  if (!box.ok()) return box.error().code() != ErrorCode::kNotFound;
  Result<std::optional<std::string>> text =
      ReadFileIfExists(box->get(), kSpecFile, kMaxDocumentBytes);
  // Without a spec it is being deleted, or damaged.
  if (!text.ok() || !text->has_value()) return Exists(boxes_fd, id);
  Result<BoxSpec> spec = DecodeSpec(**text);
  return !spec.ok() || spec->name == name;
}

// Whether somebody is making the box right now: its verb lock is held from before the name is
// taken.
bool CreatorLives(int boxes_fd, const std::string& id) {
  Result<Fd> pending = OpenDirectory(boxes_fd, kPendingPrefix + id);
  if (!pending.ok()) return false;
  Result<LockState> lock = ProbeLock(pending->get(), kVerbLock);
  return !lock.ok() || *lock == LockState::kHeld;
}

}  // namespace

FilesystemVerdict JudgeFilesystem(long f_type) {
  struct Known {
    long type;
    const char* name;
    bool usable;
  };
  // linux/magic.h and statfs(2).
  static constexpr Known kKnown[] = {
      {0xEF53, "ext4", true},        {0x9123683E, "btrfs", true},     {0x58465342, "xfs", true},
      {0x01021994, "tmpfs", true},   {0x794C7630, "overlayfs", true}, {0x2FC12FC1, "zfs", true},
      {0xF2F52010, "f2fs", true},    {0x6969, "nfs", false},          {0xFF534D42, "cifs", false},
      {0xFE534D42, "smb2", false},   {0x517B, "smb", false},          {0x65735546, "fuse", false},
      {0x01021997, "9p", false},     {0x00C36400, "ceph", false},     {0x5346414F, "afs", false},
      {0x73757245, "coda", false},   {0x786F4256, "vboxsf", false},   {0x6B414653, "kafs", false},
      {0x0BD00BD0, "lustre", false}, {0x47504653, "gpfs", false},     {0x19830326, "beegfs", false},
      {0xBACBACBC, "vmhgfs", false},
  };
  for (const Known& known : kKnown) {
    if (known.type != (f_type & 0xFFFFFFFF)) continue;
    if (known.usable) return {known.name, {}};
    return {known.name,
            Error(ErrorCode::kUnsupported,
                  std::string("the home is on ") + known.name +
                      ", where locks of other machines cannot be seen, so that two machines could "
                      "run one box: choose a local directory with --home or BOXLITE_HOME")};
  }
  return {"filesystem type " + std::to_string(f_type), {}};
}

Result<FilesystemVerdict> CheckFilesystem(int dir_fd) {
  struct statfs info = {};
  if (::fstatfs(dir_fd, &info) != 0) return ErrnoError("look at the home's filesystem");
  return JudgeFilesystem(static_cast<long>(info.f_type));
}

Result<std::string> Home::ResolvePath(const std::string& given) {
  std::string path = given;
  if (path.empty()) {
    if (const char* variable = std::getenv("BOXLITE_HOME"); variable != nullptr) path = variable;
  }
  if (path.empty()) {
    const char* user_home = std::getenv("HOME");
    if (user_home == nullptr || user_home[0] == '\0') {
      return Error(ErrorCode::kInvalidArgument,
                   "there is no home for boxes: set HOME or BOXLITE_HOME, or give --home");
    }
    path = std::string(user_home) + "/.boxlite";
  }
  if (path[0] != '/') {
    char* here = ::getcwd(nullptr, 0);
    if (here == nullptr) return ErrnoError("find the current directory for the home " + path);
    path = std::string(here) + "/" + path;
    std::free(here);
  }
  return path;
}

Result<Home> Home::OpenParts(std::string path, Fd home) {
  Home result;
  result.path_ = std::move(path);
  result.home_ = std::move(home);
  BOXLITE_ASSIGN_OR_RETURN(FilesystemVerdict verdict, CheckFilesystem(result.fd()));
  BOXLITE_RETURN_IF_ERROR(std::move(verdict.usable));
  BOXLITE_ASSIGN_OR_RETURN(result.boxes_, OpenDirectory(result.fd(), "boxes"));
  // Somebody tidied up: the boxes are there all the same, and who only looks makes nothing.
  for (const auto& [name, fd] :
       {std::pair("names", &result.names_), std::pair(".trash", &result.trash_),
        std::pair("images", &result.images_)}) {
    Result<Fd> part = OpenDirectory(result.fd(), name);
    if (part.ok()) {
      *fd = std::move(*part);
    } else if (part.error().code() != ErrorCode::kNotFound) {
      return std::move(part).error();
    }
  }
  return result;
}

Result<std::optional<Home>> Home::OpenIfExists(const std::string& path) {
  Result<Fd> home = OpenDirectoryPath(path);
  if (!home.ok()) {
    if (home.error().code() == ErrorCode::kNotFound) return std::optional<Home>();
    return std::move(home).error().While("open the home");
  }
  if (!Exists(home->get(), "boxes")) return std::optional<Home>();
  BOXLITE_ASSIGN_OR_RETURN(Home opened, OpenParts(path, std::move(*home)));
  return std::optional<Home>(std::move(opened));
}

Result<Home> Home::OpenOrCreate(const std::string& path) {
  BOXLITE_RETURN_IF_ERROR(MakeParents(path));
  BOXLITE_ASSIGN_OR_RETURN(Fd home, OpenDirectoryPath(path));
  BOXLITE_ASSIGN_OR_RETURN(FilesystemVerdict verdict, CheckFilesystem(home.get()));
  BOXLITE_RETURN_IF_ERROR(std::move(verdict.usable));
  // boxes/ last: a reader takes a home with boxes/ for complete.
  for (const char* part : {"names", ".trash", "images", "boxes"}) {
    BOXLITE_RETURN_IF_ERROR(EnsureDirectory(home.get(), part));
  }
  BOXLITE_RETURN_IF_ERROR(EnsureFile(home.get(), kNamesLock));
  return OpenParts(path, std::move(home));
}

Result<Fd> Home::OpenBox(const BoxId& id) const {
  Result<Fd> box = OpenDirectory(boxes_fd(), id.str());
  if (!box.ok() && box.error().code() == ErrorCode::kNotFound) {
    return Error(ErrorCode::kNotFound, "no such box: " + id.str());
  }
  return box;
}

Result<std::vector<BoxId>> Home::ListBoxes() const {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> entries, ListDirectory(boxes_fd()));
  std::vector<BoxId> ids;
  for (const std::string& entry : entries) {
    if (std::optional<BoxId> id = BoxId::Parse(entry)) ids.push_back(*id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<std::optional<BoxId>> Home::FindByName(const std::string& name) const {
  if (!ValidateName(name).ok() || !names_.valid()) return std::optional<BoxId>();
  BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> target, ReadLink(names_fd(), name));
  if (!target) return std::optional<BoxId>();
  std::optional<BoxId> id = BoxId::Parse(*target);
  if (!id || !HasName(boxes_fd(), *target, name)) return std::optional<BoxId>();
  return id;
}

Result<OfdLock> Home::LockNames() const {
  return OfdLock::Acquire(fd(), kNamesLock, kNamesLockWait);
}

Status Home::ClaimNameLocked(const std::string& name, const BoxId& id) const {
  if (::symlinkat(id.str().c_str(), names_fd(), name.c_str()) != 0) {
    if (errno != EEXIST) return ErrnoError("claim the name " + name);
    BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> owner, ReadLink(names_fd(), name));
    if (owner && *owner == id.str()) return {};
    if (owner && (HasName(boxes_fd(), *owner, name) || CreatorLives(boxes_fd(), *owner) ||
                  // Published between the two looks.
                  HasName(boxes_fd(), *owner, name))) {
      return Error(ErrorCode::kAlreadyExists, "the name " + name + " is taken by box " + *owner +
                                                  ": remove it or choose another");
    }
    if (::unlinkat(names_fd(), name.c_str(), 0) != 0 && errno != ENOENT) {
      return ErrnoError("take over the name " + name);
    }
    if (::symlinkat(id.str().c_str(), names_fd(), name.c_str()) != 0) {
      return ErrnoError("claim the name " + name);
    }
  }
  // Before the box that has it is published: two must not have it after a power cut.
  return SyncDirectory(names_fd());
}

Status Home::ClaimName(const std::string& name, const BoxId& id) const {
  Result<OfdLock> lock = LockNames();
  if (!lock.ok()) return std::move(lock).error().While("claim the name " + name);
  return ClaimNameLocked(name, id);
}

Status Home::ReleaseName(const std::string& name, const BoxId& id) const {
  if (!ValidateName(name).ok() || !names_.valid()) return {};
  Result<OfdLock> lock = LockNames();
  if (!lock.ok()) return std::move(lock).error().While("release the name " + name);
  BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> owner, ReadLink(names_fd(), name));
  if (!owner || *owner != id.str()) return {};
  if (::unlinkat(names_fd(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return ErrnoError("release the name " + name);
  }
  return {};
}

Status Home::ReleaseNamesLocked(const BoxId& id, const std::string& kept) const {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(names_fd()));
  for (const std::string& name : names) {
    if (name == kept) continue;
    BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> owner, ReadLink(names_fd(), name));
    if (!owner || *owner != id.str()) continue;
    if (::unlinkat(names_fd(), name.c_str(), 0) != 0 && errno != ENOENT) {
      return ErrnoError("release the name " + name);
    }
  }
  return {};
}

Status Home::ReleaseNames(const BoxId& id, const std::string& kept) const {
  if (!names_.valid()) return {};
  Result<OfdLock> lock = LockNames();
  if (!lock.ok()) return std::move(lock).error().While("release the names of box " + id.str());
  return ReleaseNamesLocked(id, kept);
}

}  // namespace boxlite

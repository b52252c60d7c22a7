#include "boxlite/copy/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/files.h"
#include "boxlite/copy/beneath.h"

namespace boxlite {
namespace {

constexpr int kWalk = O_PATH | O_DIRECTORY;
constexpr mode_t kSpecialBits = S_ISUID | S_ISGID | S_ISVTX;

bool IsBelowOrSame(const std::string& path, const std::string& above) {
  return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

bool IsDirectoryAt(int fd, const std::string& name) {
  struct stat info = {};
  return ::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

Error ThroughLink(const std::string& shown) {
  return Error(ErrorCode::kPermissionDenied,
               shown +
                   ": there is a symbolic link on the way, and none is followed below the "
                   "destination");
}

}  // namespace

Result<std::unique_ptr<Unpacker>> Unpacker::Open(UnpackOptions options) {
  std::unique_ptr<Unpacker> unpacker(new Unpacker(std::move(options)));
  const std::string& path = unpacker->options_.directory;
  unpacker->root_.Reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!unpacker->root_.valid()) {
    if (errno == ENOTDIR) return Error(ErrorCode::kConflict, path + " is no directory");
    return ErrnoError("the directory " + path);
  }
  return unpacker;
}

Unpacker::~Unpacker() {
  file_.reset();
  static_cast<void>(FinishDirectories("").ok());
}

std::string Unpacker::Shown(const std::string& path) const {
  return options_.directory + (options_.directory.ends_with('/') ? "" : "/") + path;
}

// The name as a plain path below the directory: no "." in it, no empty part; "" is the directory.
Result<std::string> Unpacker::CheckName(const std::string& name, const char* what) const {
  const auto refuse = [&](const char* why) {
    return Error(ErrorCode::kPermissionDenied,
                 std::string("the stream has ") + what + " \"" + name + "\", which " + why +
                     ": nothing is written outside of " + options_.directory);
  };
  if (name.starts_with('/')) return refuse("is absolute");
  std::string path;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (part == "..") return refuse("goes upwards");
    if (!part.empty() && part != ".") path += (path.empty() ? "" : "/") + part;
    begin = end + 1;
  }
  return path;
}

Status Unpacker::CheckExpected(const std::string& path, const TarEntry& entry) {
  const std::string& expected = options_.root_name;
  if (expected.empty()) return {};
  const bool surplus = options_.one_file && (seen_root_name_ || path != expected ||
                                             entry.kind == TarEntry::Kind::kDirectory ||
                                             entry.kind == TarEntry::Kind::kHardLink);
  if (surplus || !IsBelowOrSame(path, expected)) {
    return Error(ErrorCode::kPermissionDenied, "the stream has \"" + entry.name +
                                                   "\", but only \"" + expected +
                                                   "\" was asked for: it is not written");
  }
  seen_root_name_ = true;
  return {};
}

Attributes Unpacker::AttributesFor(const TarEntry& entry) const {
  Attributes attributes;
  attributes.mode = entry.mode & (options_.keep_special_bits ? 07777 : 07777 & ~kSpecialBits);
  attributes.owner = options_.keep_owners ? Owner{entry.uid, entry.gid} : options_.owner;
  attributes.mtime = {entry.mtime_s, static_cast<long>(entry.mtime_ns)};
  return attributes;
}

Result<Fd> Unpacker::OpenParent(const std::string& parent) {
  Fd fd = OpenBeneath(root_.get(), parent, kWalk);
  if (fd.valid()) return fd;
  if (errno == ENOENT) return MakeParents(parent);
  if (errno == ELOOP) return ThroughLink(Shown(parent));
  if (errno == ENOTDIR) {
    // A symbolic link as the last part, or no directory somewhere: told apart for the message only.
    Fd last = OpenBeneath(root_.get(), parent, O_PATH | O_NOFOLLOW);
    struct stat info = {};
    if (last.valid() && ::fstat(last.get(), &info) == 0 && S_ISLNK(info.st_mode)) {
      return ThroughLink(Shown(parent));
    }
    return Error(ErrorCode::kConflict, Shown(parent) + " is no directory");
  }
  return ErrnoError(Shown(parent));
}

// Streams may leave out the directories above their members.
Result<Fd> Unpacker::MakeParents(const std::string& parent) {
  BOXLITE_ASSIGN_OR_RETURN(Fd above, OpenParent(ParentOf(parent)));
  const std::string name = BaseOf(parent);
  if (::mkdirat(above.get(), name.c_str(), 0755) != 0) {
    // Also a symbolic link that dangles.
    if (errno == EEXIST) return ThroughLink(Shown(parent));
    return ErrnoError("make " + Shown(parent));
  }
  Fd made = OpenBeneath(above.get(), name, O_RDONLY | O_DIRECTORY);
  if (!made.valid()) return ErrnoError(Shown(parent));
  if (options_.owner && ::fchown(made.get(), options_.owner->uid, options_.owner->gid) != 0) {
    return ErrnoError("set the owner of " + Shown(parent));
  }
  if (::fchmod(made.get(), 0755) != 0) return ErrnoError("set the mode of " + Shown(parent));
  return made;
}

Status Unpacker::EnterParent(const std::string& path) {
  const std::string parent = ParentOf(path);
  if (parent_known_ && parent_path_ == parent) return {};
  parent_known_ = false;
  BOXLITE_ASSIGN_OR_RETURN(parent_, OpenParent(parent));
  parent_path_ = parent;
  parent_known_ = true;
  return {};
}

Status Unpacker::Begin(const TarEntry& entry) {
  BOXLITE_ASSIGN_OR_RETURN(const std::string path, CheckName(entry.name, "the name"));
  if (path.empty()) {
    if (entry.kind == TarEntry::Kind::kDirectory && options_.root_name.empty()) return {};
    return Error(ErrorCode::kPermissionDenied, "the stream has a member without a name");
  }
  BOXLITE_RETURN_IF_ERROR(CheckExpected(path, entry));
  BOXLITE_RETURN_IF_ERROR(FinishDirectories(path));
  BOXLITE_RETURN_IF_ERROR(EnterParent(path));
  switch (entry.kind) {
    case TarEntry::Kind::kDirectory:
      return MakeDirectory(path, entry);
    case TarEntry::Kind::kSymlink:
      return MakeLink(path, entry);
    case TarEntry::Kind::kHardLink:
      return MakeHardLink(path, entry);
    case TarEntry::Kind::kFifo:
      if (options_.make_fifos) return MakeFifo(path, entry);
      ++skipped_;
      return {};
    case TarEntry::Kind::kCharacterDevice:
    case TarEntry::Kind::kBlockDevice:
      ++skipped_;
      return {};
    case TarEntry::Kind::kFile:
      break;
  }
  BOXLITE_ASSIGN_OR_RETURN(NewFile file, NewFile::Create(parent_.get(), BaseOf(path), Shown(path)));
  file_.emplace(std::move(file));
  attributes_ = AttributesFor(entry);
  return {};
}

Status Unpacker::Data(std::string_view bytes) {
  data_bytes_ += bytes.size();
  return file_ ? file_->Write(bytes) : Status();
}

Status Unpacker::End() {
  if (!file_) return {};
  Status published = file_->Publish(attributes_);
  file_.reset();
  return published;
}

Status Unpacker::Finish() {
  BOXLITE_RETURN_IF_ERROR(reader_.Finish());
  BOXLITE_RETURN_IF_ERROR(FinishDirectories(""));
  if (!options_.root_name.empty() && !seen_root_name_) {
    return Error(ErrorCode::kCorrupt, "the stream ended without \"" + options_.root_name + "\"");
  }
  return {};
}

Status Unpacker::MakeDirectory(const std::string& path, const TarEntry& entry) {
  const std::string name = BaseOf(path);
  // Ours alone while it is being filled; its mode comes at the end, so that it may be read-only.
  if (::mkdirat(parent_.get(), name.c_str(), 0700) == 0) {
    directories_.push_back({path, entry});
    return {};
  }
  if (errno != EEXIST) return ErrnoError("make " + Shown(path));
  // One that was there keeps its owner, mode and time: the copy adds to it.
  if (IsDirectoryAt(parent_.get(), name)) return {};
  return Error(ErrorCode::kConflict, Shown(path) + " is no directory and is not replaced by one");
}

// Finishes those that `next_path` is not in.
Status Unpacker::FinishDirectories(const std::string& next_path) {
  Status first;
  while (!directories_.empty() &&
         !(!next_path.empty() && IsBelowOrSame(next_path, directories_.back().path))) {
    const OpenDirectoryLevel level = std::move(directories_.back());
    directories_.pop_back();
    Fd fd = OpenBeneath(root_.get(), level.path, O_RDONLY | O_DIRECTORY);
    Status done = fd.valid()
                      ? ApplyAttributes(fd.get(), AttributesFor(level.entry), Shown(level.path))
                      : Status(ErrnoError(Shown(level.path)));
    if (first.ok()) first = std::move(done);
  }
  return first;
}

Status Unpacker::MakeLink(const std::string& path, const TarEntry& entry) {
  const std::string name = BaseOf(path);
  const std::string shown = Shown(path);
  if (IsDirectoryAt(parent_.get(), name)) {
    return Error(ErrorCode::kConflict, shown + " is a directory and is not overwritten");
  }
  // Any target: it is text until somebody follows it, and nothing here does.
  BOXLITE_RETURN_IF_ERROR(Replace(parent_.get(), name, shown, [&](const char* made) {
    return ::symlinkat(entry.link.c_str(), parent_.get(), made);
  }));
  const Attributes attributes = AttributesFor(entry);
  if (attributes.owner && ::fchownat(parent_.get(), name.c_str(), attributes.owner->uid,
                                     attributes.owner->gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return ErrnoError("set the owner of " + shown);
  }
  const timespec times[2] = {{0, UTIME_NOW}, attributes.mtime};
  if (::utimensat(parent_.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return ErrnoError("set the time of " + shown);
  }
  return {};
}

Status Unpacker::MakeHardLink(const std::string& path, const TarEntry& entry) {
  BOXLITE_ASSIGN_OR_RETURN(const std::string target, CheckName(entry.link, "a hard link to"));
  if (target.empty() ||
      (!options_.root_name.empty() && !IsBelowOrSame(target, options_.root_name))) {
    return Error(ErrorCode::kPermissionDenied, "the stream has a hard link to \"" + entry.link +
                                                   "\", which is not part of what was asked for");
  }
  Fd above = OpenBeneath(root_.get(), ParentOf(target), kWalk);
  if (!above.valid()) {
    if (errno == ELOOP || errno == ENOTDIR) return ThroughLink(Shown(target));
    return ErrnoError("link to " + Shown(target));
  }
  // Without AT_SYMLINK_FOLLOW: a symbolic link is linked to itself, not to what it points to.
  return Replace(parent_.get(), BaseOf(path), Shown(path), [&](const char* made) {
    return ::linkat(above.get(), BaseOf(target).c_str(), parent_.get(), made, 0);
  });
}

Status Unpacker::MakeFifo(const std::string& path, const TarEntry& entry) {
  const std::string name = BaseOf(path);
  BOXLITE_RETURN_IF_ERROR(Replace(parent_.get(), name, Shown(path), [&](const char* made) {
    return ::mkfifoat(parent_.get(), made, 0600);
  }));
  Fd fd = OpenBeneath(parent_.get(), name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  if (!fd.valid()) return ErrnoError(Shown(path));
  return ApplyAttributes(fd.get(), AttributesFor(entry), Shown(path));
}

}  // namespace boxlite

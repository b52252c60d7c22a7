// Home: the directory that holds everything of one user's boxes, opened once and then used through
// descriptors only.
//
//   boxes/<id>/          one box: box.json, verb.lock, shim.lock, vm.lock, shim.sock, disk.qcow2,
//                        main.log, lives/<n>/{record,exit,outcome}.json, shim.log, console.log
//   boxes/.new-<id>/     a box being made; no reader sees it
//   names/<name>         symlink to an id, for as long as that box's box.json has this name;
//   names.lock
//                        guards their making and removal, and a box's change of name
//   images/<digest>/     base.ext4, image.json
//   .trash/              what rm has taken out of boxes/ and not yet deleted
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/box_spec.h"

namespace boxlite {

inline constexpr char kVerbLock[] = "verb.lock";
inline constexpr char kShimLock[] = "shim.lock";
inline constexpr char kVmLock[] = "vm.lock";
inline constexpr char kSpecFile[] = "box.json";
inline constexpr char kSocketFile[] = "shim.sock";
inline constexpr char kDiskFile[] = "disk.qcow2";
inline constexpr char kLogFile[] = "main.log";
inline constexpr char kLivesDir[] = "lives";
inline constexpr char kPendingPrefix[] = ".new-";

class Home {
 public:
  // The path that a user's words mean: `given`, else $BOXLITE_HOME, else $HOME/.boxlite. Absolute.
  static Result<std::string> ResolvePath(const std::string& given);

  // Opens what is there; nullopt when there is no home yet. Writes nothing.
  static Result<std::optional<Home>> OpenIfExists(const std::string& path);
  // Makes what is missing.
  static Result<Home> OpenOrCreate(const std::string& path);
  // From an open directory, for who was handed one (a shim): its path is not known.
  static Result<Home> FromDescriptor(Fd home) { return OpenParts("", std::move(home)); }

  // Whether all parts are there. Without names/, .trash/ or images/ boxes can be seen and ended;
  // what makes or removes one needs OpenOrCreate() first.
  bool complete() const { return names_.valid() && trash_.valid() && images_.valid(); }

  const std::string& path() const { return path_; }
  int fd() const { return home_.get(); }
  int boxes_fd() const { return boxes_.get(); }
  int names_fd() const { return names_.get(); }
  int trash_fd() const { return trash_.get(); }
  int images_fd() const { return images_.get(); }

  Result<Fd> OpenBox(const BoxId& id) const;  // kNotFound, in words
  Result<std::vector<BoxId>> ListBoxes() const;

  // The id behind a name, when a box of that id exists and has this name (an unreadable one is
  // believed to have it).
  Result<std::optional<BoxId>> FindByName(const std::string& name) const;
  // Claims `name` for `id`. kAlreadyExists when a box, or a live creator, has it; what a dead
  // creator left, and what a box had before it was renamed, is taken over.
  Status ClaimName(const std::string& name, const BoxId& id) const;
  // Releases it if it is still `id`'s.
  Status ReleaseName(const std::string& name, const BoxId& id) const;
  // Releases every name of `id`'s but `kept`. A box whose rename was cut short may have two.
  Status ReleaseNames(const BoxId& id, const std::string& kept) const;

  // For a change of several steps that nobody else's claim may come between. While it is held, the
  // calls above would wait for it in vain: those below are made instead.
  Result<OfdLock> LockNames() const;
  Status ClaimNameLocked(const std::string& name, const BoxId& id) const;
  Status ReleaseNamesLocked(const BoxId& id, const std::string& kept) const;

 private:
  Home() = default;
  static Result<Home> OpenParts(std::string path, Fd home);

  std::string path_;
  Fd home_;
  Fd boxes_;
  Fd names_;
  Fd trash_;
  Fd images_;
};

// The filesystem's name by its f_type ("ext4", "nfs", …), and whether its locks mean something
// between processes of this kernel. kUnsupported, in words, for network, FUSE and 9p filesystems.
struct FilesystemVerdict {
  std::string name;
  Status usable;
};
Result<FilesystemVerdict> CheckFilesystem(int dir_fd);
FilesystemVerdict JudgeFilesystem(long f_type);

}  // namespace boxlite

// NewFile: a file that appears under its name only when it is whole.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Attributes {
  mode_t mode = 0;
  std::optional<Owner> owner;
  timespec mtime = {};
};

// In the order that keeps what was asked for: a change of owner clears setuid, a write the time.
Status ApplyAttributes(int fd, const Attributes& attributes, const std::string& shown);

// Puts something under `name` in place of what may be there, by a rename: `make` makes it under the
// name it is given. kConflict: a directory is there.
Status Replace(int parent_fd, const std::string& name, const std::string& shown,
               const std::function<int(const char* name)>& make);

class NewFile {
 public:
  // In the directory `parent_fd`, which is borrowed until Publish(). A file that is a mount of its
  // own (as the box's /etc/hosts is) cannot be replaced and is written in place.
  // kConflict: a directory or a device stands there.
  static Result<NewFile> Create(int parent_fd, std::string name, std::string shown);
  NewFile(NewFile&&) = default;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();  // without Publish(): nothing of it stays

  // Runs of zeros become holes.
  Status Write(std::string_view bytes);
  Status Publish(const Attributes& attributes);

 private:
  NewFile(int parent_fd, std::string name, std::string shown)
      : parent_fd_(parent_fd), name_(std::move(name)), shown_(std::move(shown)) {}

  int parent_fd_;
  std::string name_;
  std::string shown_;
  Fd fd_;
  std::string temporary_;  // its name until it is whole, where it must have one
  bool in_place_ = false;
  std::uint64_t size_ = 0;
  bool hole_at_end_ = false;
};

}  // namespace boxlite

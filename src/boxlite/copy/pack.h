// Packer: one file, symbolic link or directory tree as a tar stream, made as it is read: memory is
// a directory's names at each level and the names of files with several links.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/copy/tar_entry.h"

namespace boxlite {

struct PackOptions {
  std::string path;            // resolved as the kernel does, but for a symbolic link at its end
  std::string root_name;       // what it is called in the stream
  bool contents_only = false;  // what is in the directory, not itself; root_name is not used
  bool follow_link = false;    // what `path` points to, when it is a symbolic link
};

class Packer {
 public:
  // kNotFound: no such path. kUnsupported: it is a socket, a device or a file of the kernel's own
  // (/proc). Errors name `path`.
  static Result<std::unique_ptr<Packer>> Open(PackOptions options);

  // Fills `buffer` with what comes next; fewer bytes only at the end, 0 behind it. Blocks on the
  // disk. kConflict: a file shrank while it was read. Files that vanish between being listed and
  // being opened are left out. After an error the stream is worthless.
  Result<std::size_t> Read(char* buffer, std::size_t size);

  std::uint64_t data_bytes() const { return data_bytes_; }  // of files' contents so far
  // Sockets, and mounts of the kernel's, whose content is left out.
  std::uint64_t skipped() const { return skipped_; }

 private:
  struct Level {
    std::string path;  // relative to the root
    dev_t device = 0;
    std::vector<std::string> names;  // not visited yet, backwards
  };

  explicit Packer(PackOptions options) : options_(std::move(options)) {}
  Status OpenRoot();
  Status Advance();
  Status Visit(Level& level, const std::string& name);
  Status VisitDirectory(const std::string& path, Fd fd, dev_t parent_device);
  Status BeginFile(TarEntry entry, Fd fd, const std::string& shown);
  Result<bool> EnterLevel(const Level& level);
  std::string StreamName(const std::string& path) const;
  std::string Shown(const std::string& path) const;
  void Say(const TarEntry& entry);

  PackOptions options_;
  Fd root_;
  std::vector<Level> levels_;
  Fd directory_;  // of the level whose path is directory_path_
  std::string directory_path_;
  std::string pending_;  // headers and padding that wait to be read
  std::size_t pending_taken_ = 0;
  Fd file_;
  std::string file_shown_;
  std::uint64_t file_left_ = 0;
  std::uint64_t file_size_ = 0;
  // Of files with several names: the first one, and how many are still to come.
  std::map<std::pair<dev_t, ino_t>, std::pair<std::string, nlink_t>> links_;
  bool ended_ = false;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace boxlite

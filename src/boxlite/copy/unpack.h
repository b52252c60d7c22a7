// Unpacker: restores a tar stream strictly below one directory. The stream is hostile, and so may
// be whoever else can write there: no name leaves the directory, no symbolic link is followed,
// whether the stream made it or it was there before. What the stream may take is the disk, nothing
// else: memory is one path for each level of directories under way.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/copy/tar_reader.h"
#include "boxlite/copy/unpack_file.h"

namespace boxlite {

struct UnpackOptions {
  std::string directory;  // exists; symbolic links in this very path are followed
  // Only a member of this name and what is below it may come: a peer that was asked for one thing
  // cannot add others beside it. Empty: any names.
  std::string root_name;
  bool one_file = false;           // with root_name: a single member that is no directory
  std::optional<Owner> owner;      // of everything that is made
  bool keep_owners = false;        // instead: whom the stream says
  bool keep_special_bits = false;  // setuid, setgid, sticky
  bool make_fifos = false;
};

class Unpacker final : private TarConsumer {
 public:
  // kNotFound: no such directory.
  static Result<std::unique_ptr<Unpacker>> Open(UnpackOptions options);
  // What is there stays. A file under way leaves nothing; directories get the modes they were to
  // have.
  ~Unpacker();

  // Any number of the stream's next bytes; blocks on the disk. Errors name the path:
  // kPermissionDenied for a name or link that would leave the directory or go through a symbolic
  // link, kConflict for what stands in the way, kResourceExhausted for a full disk, kCorrupt and
  // kUnsupported as TarReader. After an error it must not be fed again.
  Status Feed(std::string_view bytes) { return reader_.Feed(bytes); }
  // kCorrupt: the stream was cut, or what was asked for did not come.
  Status Finish();

  std::uint64_t data_bytes() const { return data_bytes_; }  // of files' contents so far
  std::uint64_t skipped() const { return skipped_; }  // devices (and FIFOs) that were not made

 private:
  struct OpenDirectoryLevel {  // made by the stream, its last members may still come
    std::string path;
    TarEntry entry;
  };

  explicit Unpacker(UnpackOptions options) : options_(std::move(options)), reader_(*this) {}

  Status Begin(const TarEntry& entry) override;
  Status Data(std::string_view bytes) override;
  Status End() override;

  Result<std::string> CheckName(const std::string& name, const char* what) const;
  Status CheckExpected(const std::string& path, const TarEntry& entry);
  Status EnterParent(const std::string& path);
  Result<Fd> OpenParent(const std::string& parent);
  Result<Fd> MakeParents(const std::string& parent);
  Status MakeDirectory(const std::string& path, const TarEntry& entry);
  Status MakeLink(const std::string& path, const TarEntry& entry);
  Status MakeHardLink(const std::string& path, const TarEntry& entry);
  Status MakeFifo(const std::string& path, const TarEntry& entry);
  Status FinishDirectories(const std::string& next_path);
  Attributes AttributesFor(const TarEntry& entry) const;
  std::string Shown(const std::string& path) const;

  UnpackOptions options_;
  TarReader reader_;
  Fd root_;
  Fd parent_;  // of the member under way
  std::string parent_path_;
  bool parent_known_ = false;
  std::optional<NewFile> file_;
  Attributes attributes_;  // of file_
  std::vector<OpenDirectoryLevel> directories_;
  bool seen_root_name_ = false;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace boxlite

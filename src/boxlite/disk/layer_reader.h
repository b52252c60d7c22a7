// LayerReader: the entries of one layer's tar stream, with the bytes of their names as they are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/disk/image_tree.h"

namespace boxlite {

struct LayerEntry {
  std::string path;
  bool hard_link = false;  // to `target`; nothing else of it counts
  std::string target;      // of symbolic and hard links
  FileType type = FileType::kFile;
  Attributes attributes;
  std::uint64_t size = 0;  // kFile, holes included
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::vector<Xattr> xattrs;  // the stream's last one first
};

class LayerReader {
 public:
  // The next bytes of the stream, valid until the next call; empty at its end.
  using NextBytes = std::function<Result<std::string_view>()>;

  explicit LayerReader(NextBytes next);
  ~LayerReader();
  LayerReader(const LayerReader&) = delete;
  LayerReader& operator=(const LayerReader&) = delete;

  // False at the end of the archive. What is left of the entry before must have been read. Errors
  // of the stream are passed on, kCorrupt is about what was read from it.
  Result<bool> Next(LayerEntry& entry);

  struct Piece {
    std::uint64_t offset = 0;
    std::string_view bytes;  // valid until the next call
  };
  // False at the end of the entry's content. Holes are not told.
  Result<bool> ReadContent(Piece& piece);

  enum class EndMarker { kNeeded, kOptional };
  // Reads the rest of the stream, in which nothing but zeros may be (kCorrupt). kNeeded: kCorrupt
  // too when the stream did not end with two blocks of zeros, for then it may have been cut.
  Status Finish(EndMarker end_marker);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace boxlite

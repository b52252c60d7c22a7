// What `cp SRC DST` means: docker's table, as pure functions over what is known of both paths.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "boxlite/base/result.h"

namespace boxlite {

// One path as cp must know it, not followed when it is a symbolic link.
struct PathFacts {
  enum class Kind { kAbsent, kFile, kDirectory, kSymlink, kOther };
  Kind kind = Kind::kAbsent;
  std::uint64_t size = 0;   // kFile
  std::string link_target;  // kSymlink
  std::string shown;        // what messages call it; empty: the path
};

struct CopyPlan {
  std::string source;          // what to pack
  bool contents_only = false;  // what is in it, not itself
  std::string root_name;       // its name in the stream and below `directory`; empty: contents_only
  std::string directory;       // existing, where the stream is unpacked
  bool one_file = false;       // the stream has one member, which is no directory
};

// Facts of `source` as it is to be copied (with -L: of what it points to), and of `destination` by
// ResolveDestination(). kNotFound: no source, or no directory where one must be. kConflict: the
// kinds do not go together. kUnsupported: a device, a socket, a FIFO. Whether the destination's
// parent exists is seen when it is opened.
Result<CopyPlan> PlanCopy(const std::string& source, const PathFacts& source_facts,
                          const std::string& destination, const PathFacts& destination_facts);

// `-` in one's place: a tar stream goes into an existing directory, or comes of any source.
Result<CopyPlan> PlanUnpackStream(const std::string& destination, const PathFacts& facts);
Result<CopyPlan> PlanPackStream(const std::string& source, const PathFacts& facts);

struct Destination {
  std::string path;
  PathFacts facts;  // never a symbolic link
};
// Follows the destination's symbolic links by `look` (facts of a path), so that the file behind
// them is replaced and not the link; what they point to need not exist. kConflict: too many.
Result<Destination> ResolveDestination(
    const std::string& path, const std::function<Result<PathFacts>(const std::string&)>& look);

}  // namespace boxlite

// The box's root disk: /dev/vda, ext4, mounted where the box's mount namespace takes it from.
#pragma once

#include "boxlite/base/result.h"

namespace boxlite {

inline constexpr char kBoxRoot[] = "/newroot";

enum class Growth { kKeepSize, kGrowToDisk };

// Mounts the disk read-write (the kernel replays its journal) and grows its filesystem online.
// Mounted already: only grows. kCorrupt: no ext4 filesystem, or a damaged one; kUnavailable: no
// disk.
Status MountRootDisk(Growth growth);

// Unmounts it. When something still uses it: remounts it read-only, which flushes it as well, and
// says so.
enum class UnmountOutcome { kUnmounted, kReadOnly };
Result<UnmountOutcome> UnmountRootDisk();

}  // namespace boxlite

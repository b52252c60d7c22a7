// Reaching files below a directory without ever leaving it: what every name of a hostile stream,
// and every name in a directory that somebody else may change meanwhile, is opened with.
#pragma once

#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

// Opens `path` (relative; empty: the directory itself) below `root_fd`, crossing mounts but no
// symbolic link, no magic link and no "..". -1 with errno like openat(); ELOOP: a symbolic link is
// in the way. SAFETY: the kernel checks it during the walk (openat2), so that no race can slip
// anything in between. Close-on-exec.
Fd OpenBeneath(int root_fd, const std::string& path, int flags);

// Whether the file behind `fd` is the kernel's own view of itself (proc, sysfs, cgroups, ...):
// nothing in it can be copied like a file, sizes there are not true.
bool IsKernelFilesystem(int fd);

// The directory and the last part of a path: "a/b" -> "a", "b"; "b" -> "", "b".
std::string ParentOf(const std::string& path);
std::string BaseOf(const std::string& path);

}  // namespace boxlite

// FdPath(): the name of what a descriptor is open on, for calls that take only a path.
#pragma once

#include <string>

namespace boxlite {

// Of the calling thread's table: the library's threads have one of their own, which /proc/self does
// not show.
inline std::string FdPath(int fd) { return "/proc/thread-self/fd/" + std::to_string(fd); }

}  // namespace boxlite

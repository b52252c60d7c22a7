// The lock of whoever changes a box: one changing verb at a time, on each box alone.
#pragma once

#include <chrono>
#include <string>

#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/home.h"

namespace boxlite {

// Waits its turn. kNotFound when the box was removed meanwhile; kTimeout names the holder and its
// verb.
Result<OfdLock> TakeVerbLock(const Home& home, const BoxId& id, int box_fd, const std::string& verb,
                             std::chrono::milliseconds wait);

// Whether box_fd is still what boxes/<id> names: rm renames a box away before it deletes it.
bool IsStillThere(const Home& home, const BoxId& id, int box_fd);

}  // namespace boxlite

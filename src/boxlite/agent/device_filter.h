// Which devices the box's programs may open: docker's list. They may make any node, as docker
// allows, but not use the disk under their own filesystem, nor the machine's console.
#pragma once

#include "boxlite/base/result.h"

namespace boxlite {

// Attaches the filter to the control group `cgroup_fd` and all below it, for as long as the group
// exists.
Status AttachDeviceFilter(int cgroup_fd);

}  // namespace boxlite

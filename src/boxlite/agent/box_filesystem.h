// The box as its programs see it: the image's root with fresh /proc, /sys and /dev, and files of
// this life's own under /etc, as docker gives them.
#pragma once

#include <string>

#include "boxlite/base/result.h"

namespace boxlite {

// Writes the files that are laid over the image's: hostname, hosts, resolv.conf. In the agent,
// before the first EnterNewBoxRoot().
Status PrepareEtcFiles(const std::string& hostname);

// In main's process, which is alone in a new mount namespace: makes kBoxRoot the root and mounts
// the rest. The agent's own files are out of reach afterwards. An error leaves the process fit only
// to exit.
Status EnterNewBoxRoot();

// mkdir -p inside the current root. kNotFound when a component is no directory.
Status MakeDirectories(const std::string& path, unsigned mode);

}  // namespace boxlite

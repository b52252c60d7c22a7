// Giving a box another name.
#pragma once

#include <string>

#include "boxlite/base/result.h"
#include "boxlite/runtime/home.h"

namespace boxlite {

// The caller holds the box's verb lock. The box has one name at every instant, which changes by the
// one rename that replaces box.json: before it a link for the new name is made, after it the old
// one is taken away, all under the lock of the names. Who dies between leaves a link that no longer
// counts, which the next claim of that name, rename or rm takes away.
//
// A name that it has already is fine. kAlreadyExists for one that another box has, kNotFound for a
// box that was taken out, kUnsupported for a newer boxlite's: the box is as it was.
Status RenameBox(const Home& home, const BoxId& id, int box_fd, const std::string& name);

// The box whose box.json has this name, whatever the index says. Reads all of them.
Result<std::optional<BoxId>> FindBySpecName(const Home& home, const std::string& name);

}  // namespace boxlite

// What pack and unpack do inside the box: the two ends of `cp`'s tar stream, as BoxWork.
#pragma once

#include <memory>

#include "boxlite/agent/box_work.h"
#include "boxlite/copy/pack.h"
#include "boxlite/copy/unpack.h"

namespace boxlite {

// Their reports are a TransferReport's bytes (agent/transfer.h).
std::shared_ptr<BoxWork> NewPackWork(PackOptions options);
// Unless owners are kept, what is made belongs to the plan's user.
std::shared_ptr<BoxWork> NewUnpackWork(UnpackOptions options);

}  // namespace boxlite

// A copy of files, with its progress brought to an embedder's callback.
#pragma once

#include <memory>
#include <string>

#include "boxlite/api/core.h"

namespace boxlite::v0::internal {

// As Box::CopyIn() and Box::CopyOut(). `way` has the direction and the two paths.
Result<CopyReport> CopyFiles(const std::shared_ptr<Core>& core, const std::string& box_id,
                             inner::CopyOptions way, CopyOptions options, Timeout timeout);

}  // namespace boxlite::v0::internal

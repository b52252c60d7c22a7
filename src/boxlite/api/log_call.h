// Main's output, brought to an embedder's callback.
#pragma once

#include <memory>
#include <string>

#include "boxlite/api/core.h"

namespace boxlite::v0::internal {

// As Box::Logs().
Status FollowLog(const std::shared_ptr<Core>& core, const std::string& box_id,
                 const LogOptions& options, Box::LogCallback on_output, Timeout timeout);

}  // namespace boxlite::v0::internal

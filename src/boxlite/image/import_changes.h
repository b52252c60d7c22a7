// The lines of `import --change`: instructions of a Dockerfile that set an image's configuration.
// Pure.
#pragma once

#include <string>

#include "boxlite/base/result.h"
#include "boxlite/oci/config.h"

namespace boxlite {

// CMD, ENTRYPOINT (as a JSON list, or as words for /bin/sh -c), ENV, EXPOSE, LABEL, STOPSIGNAL,
// USER, VOLUME, WORKDIR. kInvalidArgument names the line and what is wrong.
Status ApplyChange(const std::string& line, ImageConfig& config);

}  // namespace boxlite

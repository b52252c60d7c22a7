// The VM's console: where a boot that does not reach the host says how far it came.
#pragma once

#include <string_view>

namespace boxlite {

// Writes one line. The console's device appears only after its driver is loaded: lines said before
// are kept and written then. Never blocks: what a full console does not take is lost.
void Say(std::string_view line);

}  // namespace boxlite

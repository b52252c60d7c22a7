// Failpoints: named places where a test makes this very process die or stop, as if somebody had
// sent it SIGKILL or SIGSTOP right there. Only builds with BOXLITE_FAILPOINTS have them; to others
// they are nothing.
#pragma once

#ifdef BOXLITE_FAILPOINTS
#include <signal.h>

#include <cstdlib>
#include <string_view>

namespace boxlite {

// $BOXLITE_FAILPOINT is "<name>" (SIGKILL) or "<name>=stop" (SIGSTOP).
inline void ReachFailpoint(std::string_view name) {
  const char* wanted = std::getenv("BOXLITE_FAILPOINT");
  if (wanted == nullptr || !std::string_view(wanted).starts_with(name)) return;
  const std::string_view action = std::string_view(wanted).substr(name.size());
  if (action.empty()) ::raise(SIGKILL);
  if (action == "=stop") ::raise(SIGSTOP);
}

}  // namespace boxlite
#define BOXLITE_FAILPOINT(name) ::boxlite::ReachFailpoint(name)
#else
#define BOXLITE_FAILPOINT(name) static_cast<void>(0)
#endif

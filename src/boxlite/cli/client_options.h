// What run, start, attach and exec are told about this process's side: --detach-keys, --sig-proxy.
#pragma once

#include "boxlite/cli/arguments.h"
#include "boxlite/cli/console.h"
#include "boxlite/cli/detach_keys.h"
#include "boxlite/cli/requests.h"
#include "boxlite/runtime/program_io.h"

namespace boxlite::cli {

inline constexpr Option kDetachKeysOption = {
    "detach-keys", 0, "KEYS", "Keys that leave the box to itself (ctrl-p,ctrl-q unless said)"};
inline constexpr Option kSigProxyOption = {
    "sig-proxy", 0, "", "Pass signals on to the command; --sig-proxy=false: keep them"};

inline Result<ClientRequest> ParseClient(const Arguments& arguments) {
  ClientRequest request;
  BOXLITE_ASSIGN_OR_RETURN(
      request.detach_keys,
      ParseDetachKeys(arguments.LastOr("detach-keys", std::string(kDefaultDetachKeys))));
  request.proxies_signals = arguments.LastOr("sig-proxy", "true") == "true";
  return request;
}

// Of a call that stayed with a program: its own code, 124 when its timeout ended it, or 0 when the
// caller left it running.
inline int ExitCodeOf(const ProgramEnd& end) {
  if (end.timed_out) return kExitTimedOut;
  return end.detached ? kExitOk : end.exit.ShellCode();
}

}  // namespace boxlite::cli

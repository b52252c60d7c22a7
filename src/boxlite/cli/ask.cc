#include "boxlite/cli/ask.h"

#include <unistd.h>

namespace boxlite::cli {
namespace {

bool ReadsYes() {
  std::string answer;
  for (char byte = 0; ::read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n';) answer += byte;
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

std::optional<int> AskToGoOn(Session& session, const std::string& verb, const std::string& what) {
  if (::isatty(STDIN_FILENO) != 1) {
    session.Fail(Error(ErrorCode::kInvalidArgument,
                       verb + ": there is no terminal to ask at; -f removes without asking"));
    return kExitUsage;
  }
  session.console().Print(what + "Go on? [y/N] ");
  return ReadsYes() ? std::nullopt : std::optional(kExitOk);
}

}  // namespace boxlite::cli

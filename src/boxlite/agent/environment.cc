#include "boxlite/agent/environment.h"

#include <utility>

namespace boxlite {

std::optional<std::string_view> FindVariable(const std::vector<std::string>& env,
                                             std::string_view name) {
  for (const std::string_view entry : env) {
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
      return entry.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

std::vector<std::string> CompleteEnvironment(std::vector<std::string> env, std::string_view home,
                                             Standard standard) {
  if (!FindVariable(env, "PATH")) env.push_back(std::string("PATH=") + kDefaultPath);
  if (!FindVariable(env, "HOME")) env.push_back("HOME=" + std::string(home));
  if (standard == Standard::kTerminal && !FindVariable(env, "TERM")) {
    env.push_back(std::string("TERM=") + kDefaultTerm);
  }
  return env;
}

std::vector<std::string> CommandCandidates(std::string_view command, std::string_view path) {
  if (command.empty()) return {};
  if (command.find('/') != std::string_view::npos) return {std::string(command)};
  std::vector<std::string> candidates;
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const std::string_view directory = path.substr(0, colon);
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
    if (!directory.starts_with('/')) continue;
    candidates.push_back(std::string(directory) + (directory.ends_with('/') ? "" : "/") +
                         std::string(command));
  }
  return candidates;
}

}  // namespace boxlite

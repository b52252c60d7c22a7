// A program's environment and where its file may be: docker's rules, as pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boxlite {

// What nearly every program can drive; nothing is known of the terminal at the other end.
inline constexpr char kDefaultTerm[] = "xterm";
inline constexpr char kDefaultPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// The value of `name` in KEY=VALUE strings; the first, as getenv() finds it.
std::optional<std::string_view> FindVariable(const std::vector<std::string>& env,
                                             std::string_view name);

// `env` with PATH, HOME and, for a program with a terminal, TERM where they are missing.
enum class Standard { kPipes, kTerminal };
std::vector<std::string> CompleteEnvironment(std::vector<std::string> env, std::string_view home,
                                             Standard standard = Standard::kPipes);

// The files to try, in order. A command with a slash is itself; else one per absolute directory of
// `path`. Empty and relative directories are skipped: what runs must not depend on the working
// directory.
std::vector<std::string> CommandCandidates(std::string_view command, std::string_view path);

}  // namespace boxlite

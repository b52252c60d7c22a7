#include "boxlite/registry/credential_helper.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "boxlite/base/fd.h"
#include "boxlite/base/files.h"
#include "boxlite/base/printable_text.h"
#include "boxlite/base/spawn.h"
#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

using Clock = std::chrono::steady_clock;

// People may have to unlock something.
constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMaxOutput = 64 * 1024;

// What helpers write, to stdout, when they have nothing: docker compares the text too.
constexpr std::string_view kNotFound = "credentials not found in native keychain";

struct HelperAnswer {
  int exit_code = 0;
  std::string output;
};

Result<std::string> FindProgram(const std::string& name) {
  const bool plain = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (!plain) {
    return Error(ErrorCode::kInvalidArgument,
                 "docker's config.json names a credential helper that no program can be");
  }
  const std::string program = "docker-credential-" + name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + program;
    struct stat info;
    // Only absolute places: what lies in the current directory was not meant.
    if (candidate.front() == '/' && ::stat(candidate.c_str(), &info) == 0 &&
        S_ISREG(info.st_mode) && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return Error(ErrorCode::kNotFound, "docker's config.json keeps credentials by " + program +
                                         ", and there is no such program on PATH");
}

Result<Fd> InputOf(const std::string& text) {
  Fd input(::memfd_create("credential-request", MFD_CLOEXEC));
  if (!input.valid()) return ErrnoError("make a file in memory");
  BOXLITE_RETURN_IF_ERROR(WriteAll(input.get(), text));
  if (::lseek(input.get(), 0, SEEK_SET) != 0) return ErrnoError("rewind a file in memory");
  return input;
}

std::vector<std::string> WholeEnvironment() {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.emplace_back(*variable);
  return all;
}

int MillisecondsUntil(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// Reads until the program has ended or closed its output; false at the deadline.
bool Collect(int output, int process, Clock::time_point deadline, std::string& text) {
  char buffer[4096];
  for (bool ended = false;;) {
    pollfd pollers[2] = {{output, POLLIN, 0}, {process, POLLIN, 0}};
    const int ready = ::poll(pollers, 2, ended ? 0 : MillisecondsUntil(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return ended;
    if ((pollers[0].revents & (POLLIN | POLLHUP)) != 0) {
      const ssize_t count = ::read(output, buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return true;
      const std::size_t room = kMaxOutput - text.size();
      text.append(buffer, std::min(static_cast<std::size_t>(count), room));
    } else if (ended) {
      return true;  // others may keep the pipe open; the program has said all it had
    } else if (pollers[1].revents != 0) {
      ended = true;
    }
  }
}

Result<HelperAnswer> Run(const std::string& name, const std::string& verb,
                         const std::string& input) {
  BOXLITE_ASSIGN_OR_RETURN(const std::string program, FindProgram(name));
  BOXLITE_ASSIGN_OR_RETURN(const Fd request_file, InputOf(input));
  BOXLITE_ASSIGN_OR_RETURN(FdPair output, MakePipe());
  SpawnRequest request;
  request.argv = {program, verb};
  request.environment = WholeEnvironment();
  request.fds = {{request_file.get(), 0}, {output.second.get(), 1}};
  BOXLITE_ASSIGN_OR_RETURN(const pid_t pid, Spawn(request));
  output.second.Reset();
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const auto deadline = Clock::now() + kPatience;
  HelperAnswer answer;
  bool in_time =
      process.valid() && Collect(output.first.get(), process.get(), deadline, answer.output);
  pollfd end = {process.get(), POLLIN, 0};
  in_time = in_time && ::poll(&end, 1, MillisecondsUntil(deadline)) > 0;
  // Our own child, not yet reaped: the number is still its own.
  if (!in_time) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {
  }
  if (!in_time) return Error(ErrorCode::kTimeout, program + " did not answer within a minute");
  answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return answer;
}

Error Refused(const std::string& name, const std::string& verb, const HelperAnswer& answer) {
  return {ErrorCode::kUnavailable,
          "docker-credential-" + name + " " + verb + " failed: " + PrintableText(answer.output)};
}

bool HasNone(const HelperAnswer& answer) {
  return answer.exit_code != 0 && answer.output.find(kNotFound) != std::string::npos;
}

}  // namespace

Result<Credential> ParseHelperAnswer(const std::string& json) {
  const Error wrong(ErrorCode::kCorrupt, "the credential helper's answer cannot be read");
  const Result<nlohmann::json> parsed = ParseBoundedJson("", json, kMaxOutput);
  if (!parsed.ok() || !parsed->is_object()) return wrong;
  const auto user = parsed->find("Username");
  const auto secret = parsed->find("Secret");
  if (user == parsed->end() || !user->is_string() || secret == parsed->end() ||
      !secret->is_string()) {
    return wrong;
  }
  Credential credential;
  credential.user = user->get<std::string>();
  credential.secret = secret->get<std::string>();
  credential.kind = Credential::Kind::kPassword;
  if (credential.user == "<token>") {  // docker's sign for an identity token
    credential.kind = Credential::Kind::kRefreshToken;
    credential.user.clear();
  }
  return credential;
}

Result<std::optional<Credential>> GetFromHelper(const std::string& name,
                                                const std::string& server) {
  BOXLITE_ASSIGN_OR_RETURN(const HelperAnswer answer, Run(name, "get", server));
  if (HasNone(answer)) return std::optional<Credential>();
  if (answer.exit_code != 0) return Refused(name, "get", answer);
  Result<Credential> credential = ParseHelperAnswer(answer.output);
  if (!credential.ok()) return std::move(credential).error().While("docker-credential-" + name);
  return std::optional<Credential>(std::move(*credential));
}

Status StoreInHelper(const std::string& name, const std::string& server, const std::string& user,
                     const std::string& secret) {
  const nlohmann::json request = {{"ServerURL", server}, {"Username", user}, {"Secret", secret}};
  BOXLITE_ASSIGN_OR_RETURN(
      const HelperAnswer answer,
      Run(name, "store", request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  if (answer.exit_code != 0) return Refused(name, "store", answer);
  return {};
}

Result<bool> EraseFromHelper(const std::string& name, const std::string& server) {
  BOXLITE_ASSIGN_OR_RETURN(const std::optional<Credential> had, GetFromHelper(name, server));
  if (!had) return false;
  BOXLITE_ASSIGN_OR_RETURN(const HelperAnswer answer, Run(name, "erase", server));
  if (answer.exit_code != 0) return Refused(name, "erase", answer);
  return true;
}

}  // namespace boxlite

#include "testing/tool_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/files.h"

namespace boxlite::testing {
namespace {

constexpr int kGivenFd = 10;

std::vector<std::string> Environment(const ToolOptions& options) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    bool replaced = false;
    for (const auto& [name, value] : options.environment) replaced |= text.starts_with(name + "=");
    if (!replaced) all.push_back(text);
  }
  for (const auto& [name, value] : options.environment) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ToolProcess::ToolProcess(const std::vector<std::string>& words, ToolOptions options)
    : begin_(std::chrono::steady_clock::now()) {
  std::vector<std::string> argv = {BOXLITE_LIFECYCLE_TOOL};
  argv.insert(argv.end(), words.begin(), words.end());
  std::vector<std::string> environment = Environment(options);
  const std::vector<char*> argv_pointers = Pointers(argv);
  const std::vector<char*> environment_pointers = Pointers(environment);
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) ::abort();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    if (options.inherited_fd >= 0) ::dup2(options.inherited_fd, kGivenFd);
    ::execve(argv_pointers[0], argv_pointers.data(), environment_pointers.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  input_.Reset(in[1]);
  output_.Reset(out[0]);
  pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  EXPECT_TRUE(pidfd_.valid());
}

ToolProcess::~ToolProcess() {
  if (pidfd_.valid()) KillAndReap();
}

void ToolProcess::Signal(int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

void ToolProcess::KillAndReap() {
  if (reaped_) return;
  Signal(SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
}

void ToolProcess::Send(const std::string& text) { EXPECT_TRUE(WriteAll(input_.get(), text).ok()); }

bool ToolProcess::ReadMore(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  pollfd poller = {output_.get(), POLLIN, 0};
  if (left.count() <= 0 || ::poll(&poller, 1, static_cast<int>(left.count())) <= 0) return false;
  char buffer[65536];
  const ssize_t count = ::read(output_.get(), buffer, sizeof buffer);
  if (count <= 0) return false;
  text_.append(buffer, static_cast<std::size_t>(count));
  return true;
}

std::optional<std::string> ToolProcess::ReadLine(std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  for (;;) {
    if (const auto end = text_.find('\n'); end != std::string::npos) {
      std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      return line;
    }
    if (!ReadMore(deadline)) return std::nullopt;
  }
}

Answer ToolProcess::Finish(std::chrono::milliseconds wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (ReadMore(deadline)) {
  }
  Answer answer;
  // The output ended with it, or its time is over.
  pollfd poller = {pidfd_.get(), POLLIN, 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  answer.exited = ::poll(&poller, 1, std::max(0, static_cast<int>(left.count()))) > 0;
  KillAndReap();
  answer.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin_);
  if (!answer.exited) {
    answer.code = "hung";
    answer.message = "lifecycle_tool did not end in time; it had printed: " + text_;
    return answer;
  }
  if (!WIFEXITED(status_)) {
    answer.code = "crashed";
    answer.message = "lifecycle_tool ended by signal " + std::to_string(WTERMSIG(status_));
    return answer;
  }
  while (!text_.empty() && text_.back() == '\n') text_.pop_back();
  const auto newline = text_.rfind('\n');
  // Output without a line's end stands before the JSON on the same line.
  const auto json_at = text_.find("{\"", newline == std::string::npos ? 0 : newline + 1);
  answer.output = text_.substr(0, std::min(json_at, text_.size()));
  answer.json = nlohmann::json::parse(json_at < text_.size() ? text_.substr(json_at) : "null",
                                      nullptr, /*allow_exceptions=*/false);
  if (!answer.json.is_object()) {
    answer.code = "garbled";
    answer.message = "exit code " + std::to_string(WEXITSTATUS(status_)) + ", printed: " + text_;
    answer.json = nlohmann::json::object();
    return answer;
  }
  answer.ok = answer.json.value("ok", false);
  answer.code = answer.json.value("code", "");
  answer.message = answer.json.value("message", "");
  return answer;
}

}  // namespace boxlite::testing

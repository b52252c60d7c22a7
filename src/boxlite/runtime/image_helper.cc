#include "boxlite/runtime/image_helper.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "boxlite/base/fd.h"
#include "boxlite/base/files.h"
#include "boxlite/base/interrupt.h"
#include "boxlite/base/spawn.h"
#include "boxlite/runtime/runtime_guard.h"

extern "C" char** environ;  // NOLINT: what the registry's proxies and docker's directory are in

namespace boxlite {
namespace {

// Its longest line tells of the layers of an image.
constexpr std::size_t kMaxLine = 8 * 1024 * 1024;

// The helper, killed and reaped at the scope's end if it still runs.
class Helper {
 public:
  explicit Helper(pid_t pid) : pid_(pid) {}
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;
  ~Helper() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    static_cast<void>(Reap());
  }

  // Its wait status; nullopt: somebody else took it away.
  std::optional<int> Reap() {
    int status = 0;
    pid_t reaped;
    do {
      reaped = ::waitpid(pid_, &status, __WALL);
    } while (reaped < 0 && errno == EINTR);
    pid_ = 0;
    return reaped > 0 ? std::optional(status) : std::nullopt;
  }

 private:
  pid_t pid_;
};

Error EndedWithoutAWord(std::optional<int> status) {
  std::string how = "without a word";
  if (status && WIFSIGNALED(*status)) how = "by signal " + std::to_string(WTERMSIG(*status));
  return Error(ErrorCode::kInternal, "boxlite-image ended " + how + " and left nothing");
}

std::vector<std::string> Environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  return variables;
}

// Whether there is something to read; false: the wait was interrupted.
Result<bool> AwaitReadable(int fd) {
  const int interrupt = CurrentInterrupt();
  std::array<pollfd, 2> fds = {pollfd{fd, POLLIN, 0}, pollfd{interrupt, POLLIN, 0}};
  for (;;) {
    const int count = ::poll(fds.data(), interrupt >= 0 ? 2 : 1, -1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("wait for boxlite-image");
    if (interrupt >= 0 && fds[1].revents != 0) return false;
    if (fds[0].revents != 0) return true;
  }
}

class Events {
 public:
  Events(int fd, const ImageEventSink& sink) : fd_(fd), sink_(sink) {}

  // The work's end; nullopt: the helper has ended without one.
  Result<std::optional<ImageEvent>> Run() {
    for (;;) {
      BOXLITE_ASSIGN_OR_RETURN(bool readable, AwaitReadable(fd_));
      if (!readable) return InterruptedError();
      char buffer[64 * 1024];
      const ssize_t count = ::read(fd_, buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("read from boxlite-image");
      if (count == 0) return std::optional<ImageEvent>();
      text_.append(buffer, static_cast<std::size_t>(count));
      BOXLITE_ASSIGN_OR_RETURN(std::optional<ImageEvent> end, TakeLines());
      if (end) return end;
      if (text_.size() > kMaxLine) {
        return Error(ErrorCode::kCorrupt, "boxlite-image says more than can be meant");
      }
    }
  }

 private:
  Result<std::optional<ImageEvent>> TakeLines() {
    std::size_t begin = 0;
    for (std::size_t end; (end = text_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line = std::string_view(text_).substr(begin, end - begin);
      BOXLITE_ASSIGN_OR_RETURN(ImageEvent event, DecodeEvent(line));
      if (event.kind == ImageEventKind::kDone || event.kind == ImageEventKind::kFailed) {
        return std::optional<ImageEvent>(std::move(event));
      }
      if (sink_) sink_(event);
    }
    text_.erase(0, begin);
    return std::optional<ImageEvent>();
  }

  int fd_;
  const ImageEventSink& sink_;
  std::string text_;
};

}  // namespace

Status RunImageHelper(const HelperCall& call, const ImageRequest& request,
                      const ImageEventSink& sink) {
  const QuietPipes quiet;  // a helper that died at once
  BOXLITE_ASSIGN_OR_RETURN(FdPair asked, MakePipe());
  BOXLITE_ASSIGN_OR_RETURN(FdPair told, MakePipe());
  SpawnRequest spawn;
  spawn.argv = {call.libexec + "/boxlite-image"};
  spawn.environment = Environment();
  spawn.fds = {{asked.first.get(), kHelperRequestFd},
               {told.second.get(), kHelperEventsFd},
               {2, 2},
               {call.home_fd, kHelperHomeFd}};
  if (call.data_fd >= 0) spawn.fds.push_back({call.data_fd, kHelperDataFd});
  spawn.parent_death_signal = SIGKILL;
  Result<pid_t> pid = Spawn(spawn);
  if (!pid.ok()) {
    return std::move(pid).error().While("start the program that handles images");
  }
  Helper helper(*pid);
  asked.first.Reset();
  told.second.Reset();
  // A failure shows at the other end, as an end without a word.
  static_cast<void>(WriteAll(asked.second.get(), EncodeRequest(request)).ok());
  asked.second.Reset();
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ImageEvent> end, Events(told.first.get(), sink).Run());
  const std::optional<int> status = helper.Reap();
  if (!end) return EndedWithoutAWord(status);
  if (end->kind == ImageEventKind::kDone) return {};
  return Error(end->code, end->text);
}

}  // namespace boxlite

#include <deque>
#include <memory>

#include "boxlite/base/files.h"
#include "boxlite/runtime/end_life.h"
#include "boxlite/runtime/log_follow.h"
#include "boxlite/runtime/main_log.h"
#include "boxlite/runtime/runtime_impl.h"

namespace boxlite {
namespace {

Status PrintTail(int box_fd, const LogOptions& options, std::uint64_t& end) {
  struct Line {
    LogStream stream;
    std::string text;
  };
  // Lines are cut per stream, as they would appear on a terminal.
  std::deque<Line> lines;
  std::string partial[2];
  std::uint64_t limit = options.tail_lines.value_or(0);
  LogReader reader(box_fd, 0);
  const auto keep = [&](LogStream stream, std::string text) {
    lines.push_back({stream, std::move(text)});
    if (options.tail_lines && lines.size() > limit) lines.pop_front();
  };
  Result<LogReader::Progress> read = reader.ReadAvailable([&](const LogRecord& record) -> Status {
    if (!options.tail_lines) {
      const int fd = record.stream == LogStream::kStdout ? options.stdout_fd : options.stderr_fd;
      return fd < 0 ? Status() : WriteAll(fd, record.bytes);
    }
    std::string& rest = partial[record.stream == LogStream::kStderr];
    rest.append(record.bytes);
    std::size_t begin = 0;
    for (std::size_t end_of_line; (end_of_line = rest.find('\n', begin)) != std::string::npos;
         begin = end_of_line + 1) {
      keep(record.stream, rest.substr(begin, end_of_line + 1 - begin));
    }
    rest.erase(0, begin);
    return {};
  });
  if (!read.ok()) return std::move(read).error();
  for (const LogStream stream : {LogStream::kStdout, LogStream::kStderr}) {
    std::string& rest = partial[stream == LogStream::kStderr];
    if (!rest.empty()) keep(stream, std::move(rest));
  }
  for (const Line& line : lines) {
    const int fd = line.stream == LogStream::kStdout ? options.stdout_fd : options.stderr_fd;
    if (fd >= 0) BOXLITE_RETURN_IF_ERROR(WriteAll(fd, line.text));
  }
  end = reader.position();
  return {};
}

}  // namespace

Status RuntimeImpl::Logs(const BoxId& id, const LogOptions& options) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  std::uint64_t end = 0;
  BOXLITE_RETURN_IF_ERROR(PrintTail(box.fd.get(), options, end));
  if (!options.follow) return {};
  BOXLITE_ASSIGN_OR_RETURN(
      std::unique_ptr<LogFollower> follower,
      LogFollower::Create(io(), box.fd.get(), end, options.stdout_fd, options.stderr_fd));
  // Looked at after the watch began, and drained after the look: what was written meanwhile is not
  // lost.
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  if (evidence.shim_lock == LockState::kFree) return follower->Drain();
  Result<ProcessHandle> shim = FindShim(box.fd.get(), evidence);
  if (!shim.ok() && shim.error().code() != ErrorCode::kNotFound) {
    return std::move(shim).error().While("follow the log of box " + id.str());
  }
  if (shim.ok()) {
    kj::UnixEventPort::FdObserver ended(io().unixEventPort, shim->fd(),
                                        kj::UnixEventPort::FdObserver::OBSERVE_READ);
    kj::Promise<int> over = ended.whenBecomesReadable().then([]() { return 0; });
    kj::Promise<int> following = follower->Run().then([]() { return 0; });
    Result<int> done = AwaitPromise<int>(io(), over.exclusiveJoin(kj::mv(following)), std::nullopt);
    if (!done.ok() && follower->failure()) {
      return Error(*follower->failure()).While("follow the log of box " + id.str());
    }
    if (!done.ok()) return std::move(done).error();
  }
  return follower->Drain();
}

}  // namespace boxlite

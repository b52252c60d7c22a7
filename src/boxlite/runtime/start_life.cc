#include "boxlite/runtime/start_life.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/base/process_identity.h"
#include "boxlite/base/spawn.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/engine_choice.h"
#include "boxlite/runtime/evidence.h"
#include "boxlite/runtime/life.h"
#include "boxlite/store/image_store.h"

namespace boxlite {
namespace {

using Clock = std::chrono::steady_clock;

// One line of the shim's; its longest holds a console's tail.
constexpr std::size_t kMaxReportBytes = 1024 * 1024;

struct Descriptors {
  FdPair birth;      // pipe; the shim reads it
  FdPair report;     // pipe; the shim writes it
  FdPair keepalive;  // attached only
  FdPair reader;     // with reader_comes only
  Fd creator;        // attached only: pidfd of this process
  Fd log;
  Fd life;
  Fd base;
};

Result<Descriptors> OpenDescriptors(const StartRequest& request, const std::string& life_id) {
  Descriptors fds;
  BOXLITE_ASSIGN_OR_RETURN(fds.base, OpenBoxImage(*request.home, request.spec->image_digest));
  BOXLITE_ASSIGN_OR_RETURN(fds.life, PrepareLife(request.box_fd, life_id));
  fds.log.Reset(
      ::openat(fds.life.get(), "shim.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fds.log.valid()) return ErrnoError("make shim.log");
  BOXLITE_ASSIGN_OR_RETURN(fds.birth, MakePipe());
  BOXLITE_ASSIGN_OR_RETURN(fds.report, MakePipe());
  if (request.reader_comes) {
    BOXLITE_ASSIGN_OR_RETURN(fds.reader, MakePipe());
  }
  if (request.attachment == Attachment::kAttached) {
    BOXLITE_ASSIGN_OR_RETURN(fds.keepalive, MakePipe());
    BOXLITE_ASSIGN_OR_RETURN(ProcessHandle self, ProcessHandle::Adopt(::getpid()));
    BOXLITE_ASSIGN_OR_RETURN(fds.creator, DuplicateFd(self.fd()));
  }
  return fds;
}

// The shim gets no environment of ours but what finds QEMU's helpers: secrets live there.
std::vector<std::string> ShimEnvironment() {
  const char* path = std::getenv("PATH");
  std::vector<std::string> environment = {
      std::string("PATH=") + (path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin")};
#ifdef BOXLITE_FAILPOINTS
  if (const char* point = std::getenv("BOXLITE_FAILPOINT"); point != nullptr) {
    environment.push_back(std::string("BOXLITE_FAILPOINT=") + point);
  }
#endif
  return environment;
}

Status SpawnShim(const StartRequest& request, Descriptors& fds) {
  SpawnRequest spawn;
  spawn.argv = {request.libexec + "/boxlite-shim", request.spec->id};
  spawn.environment = ShimEnvironment();
  spawn.parentage = Parentage::kNobodysChild;
  spawn.fds = {{fds.birth.first.get(), 0},
               {fds.log.get(), 2},
               {request.home->fd(), kShimHomeFd},
               {request.box_fd, kShimBoxFd},
               {fds.report.second.get(), kShimReportFd},
               {request.verb_lock_fd, kShimVerbLockFd},
               {fds.life.get(), kShimLifeFd},
               {fds.base.get(), kShimBaseFd}};
  if (request.attachment == Attachment::kAttached) {
    spawn.fds.push_back({fds.keepalive.first.get(), kShimKeepaliveFd});
    spawn.fds.push_back({fds.creator.get(), kShimCreatorFd});
  }
  if (request.reader_comes) spawn.fds.push_back({fds.reader.first.get(), kShimReaderFd});
  Result<pid_t> spawned = Spawn(spawn);
  if (!spawned.ok()) return std::move(spawned).error().While("start the box's supervisor");
  return {};
}

// The shim may be dead already: a broken pipe is an error here, not a signal for the embedder.
Status SendBirth(Fd pipe, const ShimBirth& birth) {
  sigset_t broken_pipe;
  sigset_t before;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  Status sent = WriteAll(pipe.get(), FrameBirth(EncodeBirth(birth)));
  const timespec now = {};
  if (!sent.ok()) static_cast<void>(::sigtimedwait(&broken_pipe, nullptr, &now));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!sent.ok()) return std::move(sent).error().While("tell the box's supervisor its spec");
  return {};
}

class ReportReader {
 public:
  ReportReader(Fd pipe, int interrupt_fd) : pipe_(std::move(pipe)), interrupt_fd_(interrupt_fd) {}

  // The next report; nullopt at the pipe's end. kTimeout at `deadline`.
  Result<std::optional<StartReport>> Next(Clock::time_point deadline) {
    for (;;) {
      if (const std::size_t end = text_.find('\n'); end != std::string::npos) {
        const std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        BOXLITE_ASSIGN_OR_RETURN(StartReport report, DecodeReport(line));
        return std::optional<StartReport>(std::move(report));
      }
      BOXLITE_ASSIGN_OR_RETURN(bool more, ReadMore(deadline));
      if (!more) return std::optional<StartReport>();
    }
  }

 private:
  Result<bool> ReadMore(Clock::time_point deadline) {
    for (;;) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) {
        return Error(ErrorCode::kTimeout, "the box's supervisor did not report in time");
      }
      // A negative descriptor is passed over by poll().
      pollfd pollers[] = {{pipe_.get(), POLLIN, 0}, {interrupt_fd_, POLLIN, 0}};
      const int ready = ::poll(pollers, 2, static_cast<int>(left));
      if (ready < 0 && errno != EINTR) return ErrnoError("wait for the box's supervisor");
      if (ready <= 0) continue;
      if (pollers[0].revents == 0) {
        return Error(ErrorCode::kUnavailable, "interrupted while it was starting");
      }
      char buffer[4096];
      const ssize_t count = ::read(pipe_.get(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("listen to the box's supervisor");
      if (count == 0) return false;
      text_.append(buffer, static_cast<std::size_t>(count));
      if (text_.size() > kMaxReportBytes) {
        return Error(ErrorCode::kCorrupt, "the box's supervisor reports too much");
      }
      return true;
    }
  }

  Fd pipe_;
  int interrupt_fd_;
  std::string text_;
};

Error DiedSilently(int box_fd) {
  std::string what = "the box's supervisor died while starting";
  Result<Evidence> evidence = ReadEvidence(box_fd);
  if (evidence.ok() && evidence->outcome.present() &&
      evidence->outcome.value.kind == OutcomeKind::kFailed) {
    const LifeOutcome& outcome = evidence->outcome.value;
    return Error(outcome.code, "at " + outcome.stage + ": " + outcome.reason);
  }
  return Error(ErrorCode::kUnavailable,
               what + "; its log is lives/<n>/shim.log in the box's directory");
}

Status FollowReports(const StartRequest& request, Fd pipe, milliseconds boot_deadline) {
  ReportReader reports(std::move(pipe), request.interrupt_fd);
  const Clock::time_point deadline =
      Clock::now() + boot_deadline + kKvmFirstBootDeadline + kStartMargin;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(std::optional<StartReport> report, reports.Next(deadline));
    if (!report) return DiedSilently(request.box_fd);
    switch (report->event) {
      case StartEvent::kRecorded:
        BOXLITE_FAILPOINT("start.recorded");
        break;
      case StartEvent::kStarted:
        return {};
      case StartEvent::kFailed:
        return Error(report->code, "at " + report->stage + ": " + report->message);
    }
  }
}

}  // namespace

Result<StartedLife> StartLife(const StartRequest& request) {
  ShimBirth birth;
  birth.spec = *request.spec;
  birth.life_id = RandomHex(16);
  birth.attached = request.attachment == Attachment::kAttached;
  birth.base_name = kBaseFile;
  birth.reader_comes = request.reader_comes;
  birth.main_input = MainInputFor(*request.spec, request.starter);
  birth.terminal_size = request.terminal_size;
  BOXLITE_RETURN_IF_ERROR(ChooseEngine(*request.home, request.libexec, birth));
  BOXLITE_ASSIGN_OR_RETURN(Descriptors fds, OpenDescriptors(request, birth.life_id));
  BOXLITE_FAILPOINT("start.prepared");
  BOXLITE_RETURN_IF_ERROR(SpawnShim(request, fds));
  BOXLITE_FAILPOINT("start.spawned");
  // Our copies of the shim's ends would keep both pipes from ever ending.
  fds.report.second.Reset();
  fds.birth.first.Reset();
  BOXLITE_RETURN_IF_ERROR(SendBirth(std::move(fds.birth.second), birth));
  BOXLITE_FAILPOINT("start.told");
  BOXLITE_RETURN_IF_ERROR(
      FollowReports(request, std::move(fds.report.first), milliseconds(birth.boot_deadline_ms)));
  StartedLife started;
  started.life_id = birth.life_id;
  if (birth.attached) started.keepalive = Keepalive{std::move(fds.keepalive.second)};
  if (birth.reader_comes) started.reader_hold = ReaderHold{std::move(fds.reader.second)};
  return started;
}

}  // namespace boxlite

// boxlite-image: does one work on images and ends. Everything of it that is heavy or that a
// stranger may have made happens here, not in the programs that use boxes.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <string>

#include "boxlite/base/files.h"
#include "boxlite/image/works.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxRequestBytes = 4 * 1024 * 1024;

Result<ImageRequest> ReadRequest() {
  std::string text;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t count = ::read(kHelperRequestFd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("read the request");
    if (count == 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kMaxRequestBytes) {
      return Error(ErrorCode::kInvalidArgument, "the request is too long");
    }
  }
  // Whoever asks ended before the request was whole: there is nothing to do for anybody.
  if (text.empty() || text.back() != '\n') {
    return Error(ErrorCode::kInvalidArgument,
                 "boxlite-image is started by boxlite, and reads a request on its stdin");
  }
  return DecodeRequest(text);
}

void Tell(const ImageEvent& event) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  // Nobody listens any more: nobody wants the work either.
  if (!WriteAll(kHelperEventsFd, EncodeEvent(event)).ok()) ::_exit(1);
}

Status Work(const ImageRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(ImageStore store, ImageStore::OpenOrCreate(kHelperHomeFd));
  const WorkPlace place{store, kHelperHomeFd, kHelperDataFd, Tell};
  switch (request.work) {
    case ImageWork::kPull:
      return PullImage(place, request);
    case ImageWork::kLoad:
      return LoadImages(place, request);
    case ImageWork::kImport:
      return ImportImage(place, request);
    case ImageWork::kSave:
      return SaveImages(place, request);
    case ImageWork::kLogin:
      return LoginTo(place, request);
    case ImageWork::kLogout:
      return LogoutFrom(place, request);
  }
  return Error(ErrorCode::kInternal, "there is no such work");
}

int Run() {
  ::signal(SIGPIPE, SIG_IGN);
  Result<ImageRequest> request = ReadRequest();
  const Status status = request.ok() ? Work(*request) : std::move(request).error();
  ImageEvent event;
  event.kind = status.ok() ? ImageEventKind::kDone : ImageEventKind::kFailed;
  if (!status.ok()) {
    event.code = status.error().code();
    event.text = status.error().message();
  }
  Tell(event);
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace boxlite

int main() { return boxlite::Run(); }

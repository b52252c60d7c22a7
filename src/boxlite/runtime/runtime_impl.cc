#include "boxlite/runtime/runtime_impl.h"

#include <signal.h>

#include <algorithm>
#include <mutex>

#include "boxlite/base/files.h"
#include "boxlite/base/wall_clock.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/create_box.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/engine_choice.h"
#include "boxlite/runtime/rename_box.h"
#include "boxlite/runtime/runtime_guard.h"
#include "boxlite/vmm/accelerator.h"

namespace boxlite {
namespace {

Error NoSuchBox(const std::string& reference) {
  return Error(ErrorCode::kNotFound, "no such box: " + reference + " (boxlite ls -a shows all)");
}

bool IsLive(BoxState state) {
  return state == BoxState::kStarting || state == BoxState::kRunning ||
         state == BoxState::kStopping;
}

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::Open(RuntimeOptions options) {
  BOXLITE_ASSIGN_OR_RETURN(std::string path, Home::ResolvePath(options.home));
  return NewRuntimeGuard(std::make_unique<RuntimeImpl>(std::move(options), std::move(path)));
}

RuntimeImpl::RuntimeImpl(RuntimeOptions options, std::string home_path)
    : options_(std::move(options)),
      home_path_(std::move(home_path)),
      attached_(options_.attached ? options_.attached : std::make_shared<AttachedLives>()) {}

kj::AsyncIoContext& RuntimeImpl::io() {
  if (!io_) {
    // kj ignores SIGPIPE for the whole process, which is the embedder's: RuntimeGuard does without.
    // One at a time, or the second thread would take the first one's "ignored" for the embedder's.
    static std::mutex dispositions;
    const std::lock_guard lock(dispositions);
    struct sigaction before = {};
    ::sigaction(SIGPIPE, nullptr, &before);
    io_.emplace(kj::setupAsyncIo());
    ::sigaction(SIGPIPE, &before, nullptr);
  }
  return *io_;
}

Result<const Home*> RuntimeImpl::ExistingHome(const std::string& looking_for) {
  if (!home_) {
    BOXLITE_ASSIGN_OR_RETURN(home_, Home::OpenIfExists(home_path_));
  }
  if (!home_) return NoSuchBox(looking_for);
  return &*home_;
}

Result<const Home*> RuntimeImpl::HomeForWriting() {
  if (!home_ || !home_->complete()) {
    BOXLITE_ASSIGN_OR_RETURN(Home home, Home::OpenOrCreate(home_path_));
    home_ = std::move(home);
  }
  return &*home_;
}

Result<RuntimeImpl::OpenBox> RuntimeImpl::Open(const BoxId& id) {
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, ExistingHome(id.str()));
  BOXLITE_ASSIGN_OR_RETURN(Fd fd, home->OpenBox(id));
  return OpenBox{id, std::move(fd)};
}

Result<BoxSpec> RuntimeImpl::ReadSpec(int box_fd) {
  BOXLITE_ASSIGN_OR_RETURN(std::string text, ReadFile(box_fd, kSpecFile, kMaxDocumentBytes));
  return DecodeSpec(text);
}

Result<BoxId> RuntimeImpl::Resolve(const std::string& reference) {
  // Every id begins with nothing, and a box without a name has that one: an unset variable of a
  // script must not name a box.
  if (reference.empty()) return Error(ErrorCode::kNotFound, "no such box: the reference is empty");
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, ExistingHome(reference));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxId> ids, home->ListBoxes());
  const std::optional<BoxId> exact = BoxId::Parse(reference);
  if (exact && std::binary_search(ids.begin(), ids.end(), *exact)) return *exact;
  BOXLITE_ASSIGN_OR_RETURN(std::optional<BoxId> named, home->FindByName(reference));
  if (named) return *named;
  std::vector<BoxId> matches;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(matches),
               [&](const BoxId& id) { return id.str().starts_with(reference); });
  if (matches.size() == 1) return matches.front();
  if (matches.size() > 1) {
    std::string candidates;
    for (const BoxId& id : matches) candidates += " " + id.str();
    return Error(ErrorCode::kInvalidArgument,
                 "the prefix " + reference + " is ambiguous, it begins:" + candidates);
  }
  // names/ is an index: a box keeps its name when the index was lost.
  BOXLITE_ASSIGN_OR_RETURN(named, FindBySpecName(*home, reference));
  if (named) return *named;
  return NoSuchBox(reference);
}

Result<BoxId> RuntimeImpl::Create(const CreateOptions& options) {
  if (!options.name.empty()) BOXLITE_RETURN_IF_ERROR(ValidateName(options.name));
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, HomeForWriting());
  Images images(home_path_, options_.libexec);
  // Held until the box is there, and says itself that it needs the image.
  BOXLITE_ASSIGN_OR_RETURN(Images::Chosen chosen,
                           options.rootfs.empty()
                               ? images.Choose(options.image, options.pull, options.on_image)
                               : images.ChooseRootfs(options.rootfs, options.on_image));
  const BoxId id = BoxId::Random();
  BOXLITE_ASSIGN_OR_RETURN(BoxSpec spec, MergeSpec(options, chosen.image, id, WallClockNowNs()));
  SweepLeftovers(*home);
  BOXLITE_RETURN_IF_ERROR(PublishBox(*home, spec));
  return id;
}

BoxInfo RuntimeImpl::Describe(const BoxId& id, int box_fd, const Evidence& evidence) {
  BoxInfo info{id, ReadSpec(box_fd), DeriveState(evidence), evidence.life_number, {}, {}, {}, ""};
  if (evidence.record.present()) info.record = evidence.record.value;
  if (evidence.main_exit.present()) info.main_exit = evidence.main_exit.value;
  if (evidence.outcome.present()) info.outcome = evidence.outcome.value;
  return info;
}

Result<std::vector<BoxInfo>> RuntimeImpl::List() {
  std::vector<BoxInfo> boxes;
  if (!home_) {
    BOXLITE_ASSIGN_OR_RETURN(home_, Home::OpenIfExists(home_path_));
  }
  if (!home_) return boxes;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxId> ids, home_->ListBoxes());
  for (const BoxId& id : ids) {
    Result<Fd> box = home_->OpenBox(id);
    if (!box.ok()) {
      if (box.error().code() == ErrorCode::kNotFound) continue;  // removed while we looked
      return std::move(box).error();
    }
    Result<Evidence> evidence = ReadEvidence(box->get());
    if (!evidence.ok()) return std::move(evidence).error().While("look at box " + id.str());
    boxes.push_back(Describe(id, box->get(), *evidence));
    // Its spec vanished under us and so did the box: it was removed, not damaged.
    if (!boxes.back().spec.ok() && !home_->OpenBox(id).ok()) boxes.pop_back();
  }
  const auto created = [](const BoxInfo& box) { return box.spec.ok() ? box.spec->created_ns : 0; };
  std::stable_sort(boxes.begin(), boxes.end(),
                   [&](const BoxInfo& a, const BoxInfo& b) { return created(a) > created(b); });
  return boxes;
}

Result<BoxInfo> RuntimeImpl::Inspect(const BoxId& id) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box.fd.get()));
  BoxInfo info = Describe(id, box.fd.get(), evidence);
  if (IsLive(info.derived.state)) {
    Result<std::unique_ptr<ShimClient>> client = ConnectLive(box);
    info.handshake = client.ok() ? "ok" : client.error().message();
  }
  return info;
}

Result<HomeInfo> RuntimeImpl::Info() {
  HomeInfo info;
  info.path = home_path_;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxInfo> boxes, List());
  info.boxes = boxes.size();
  const auto count = [&boxes](BoxState state) {
    return static_cast<std::size_t>(
        std::count_if(boxes.begin(), boxes.end(),
                      [state](const BoxInfo& box) { return box.derived.state == state; }));
  };
  info.running = count(BoxState::kRunning);
  info.stopped = count(BoxState::kStopped);
  info.failed = count(BoxState::kFailed);
  info.configured = count(BoxState::kConfigured);
  info.exists = home_.has_value();
  if (home_) {
    BOXLITE_ASSIGN_OR_RETURN(ImageStore store, ImageStore::Open(home_->fd()));
    BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageStore::Entry> images, store.List());
    info.images = images.size();
    BOXLITE_ASSIGN_OR_RETURN(FilesystemVerdict filesystem, CheckFilesystem(home_->fd()));
    info.filesystem = filesystem.name;
  }
  Result<std::string> libexec = FindLibexec(options_.libexec);
  info.libexec = libexec.ok() ? *libexec : libexec.error().message();
  if (libexec.ok()) info.kernel = *libexec + "/vmlinux";
  Result<QemuBinary> qemu = FindQemu();
  if (!qemu.ok()) {
    info.engine = qemu.error().message();
    return info;
  }
  info.engine = qemu->path;
  Result<AcceleratorVerdict> verdict = ChooseAccelerator(
      AcceleratorRequest::kAuto, *qemu, home_ ? home_->fd() : -1, CacheUse::kReadOnly);
  if (!verdict.ok()) {
    info.accelerator = verdict.error().message();
  } else {
    info.accelerator = std::string(verdict->accelerator == Accelerator::kKvm ? "kvm" : "tcg") +
                       ": " + verdict->reason;
  }
  return info;
}

}  // namespace boxlite

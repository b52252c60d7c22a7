// Images, the works of the helper and what takes images away.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/cleanup.h"
#include "boxlite/base/files.h"
#include "boxlite/base/tree_size.h"
#include "boxlite/runtime/create_box.h"
#include "boxlite/runtime/images.h"
#include "boxlite/store/image_making.h"

namespace boxlite {
namespace {

struct Input {
  int fd = -1;
  Fd opened;
};

Result<Input> OpenInput(const std::string& path) {
  if (path == "-") return Input{STDIN_FILENO, Fd()};
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return ErrnoError("open " + path);
  const int fd = file.get();
  return Input{fd, std::move(file)};
}

}  // namespace

Result<std::vector<GotImage>> Images::Ask(const Place& place, const ImageRequest& request,
                                          int data_fd, const ImageEventSink& sink) {
  std::vector<GotImage> got;
  const HelperCall call{place.libexec, place.home.fd(), data_fd};
  BOXLITE_RETURN_IF_ERROR(RunImageHelper(call, request, [&](const ImageEvent& event) {
    if (event.kind == ImageEventKind::kImage) {
      got.push_back({event.digest, event.names, event.manifest, event.fresh});
    }
    if (sink) sink(event);
  }));
  return got;
}

Result<GotImage> Images::Pull(const PullOptions& options, const ImageEventSink& sink) {
  BOXLITE_ASSIGN_OR_RETURN(Reference reference, Reference::Parse(options.reference));
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  ImageRequest request;
  request.work = ImageWork::kPull;
  request.names = {options.reference};
  request.platform = options.platform;
  request.config_file = options.config_file;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<GotImage> got, Ask(place, request, -1, sink));
  if (got.size() == 1) return std::move(got.front());
  return Error(ErrorCode::kInternal, "boxlite-image pulled nothing");
}

Result<std::vector<GotImage>> Images::Load(const LoadOptions& options, const ImageEventSink& sink) {
  BOXLITE_ASSIGN_OR_RETURN(Input input, OpenInput(options.path));
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  ImageRequest request;
  request.work = ImageWork::kLoad;
  if (!options.name.empty()) request.names = {options.name};
  request.only = options.only;
  request.anonymous = options.anonymous;
  request.platform = options.platform;
  Result<std::vector<GotImage>> got = Ask(place, request, input.fd, sink);
  if (got.ok() || options.path == "-") return got;
  return std::move(got).error().While("load " + options.path);
}

Result<GotImage> Images::Import(const ImportOptions& options, const ImageEventSink& sink) {
  BOXLITE_ASSIGN_OR_RETURN(Input input, OpenInput(options.path));
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  ImageRequest request;
  request.work = ImageWork::kImport;
  if (!options.name.empty()) request.names = {options.name};
  request.changes = options.changes;
  request.message = options.message;
  request.platform = options.platform;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<GotImage> got, Ask(place, request, input.fd, sink));
  if (got.size() == 1) return std::move(got.front());
  return Error(ErrorCode::kInternal, "boxlite-image imported nothing");
}

Status Images::SaveTo(const std::vector<std::string>& words, int fd) {
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  BOXLITE_ASSIGN_OR_RETURN(StoredImage shipped, ReadShippedImage(place.libexec));
  ImageRequest request;
  request.work = ImageWork::kSave;
  for (const std::string& one : words) {
    BOXLITE_ASSIGN_OR_RETURN(std::string digest, DigestFor(place, one, PullPolicy::kNever, {}));
    // The store does not know the shipped one by its name.
    request.names.push_back(digest == shipped.digest ? digest : one);
  }
  return RunImageHelper({place.libexec, place.home.fd(), fd}, request, {});
}

Status Images::Save(const std::vector<std::string>& words, const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    Fd there(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!there.valid()) return ErrnoError("open " + path);
    return SaveTo(words, there.get());
  }
  const std::string pending = path + ".new-" + RandomHex(4);
  Fd file(::open(pending.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file.valid()) return ErrnoError("make " + pending);
  Cleanup remove_pending([&] { ::unlink(pending.c_str()); });
  BOXLITE_RETURN_IF_ERROR(SaveTo(words, file.get()));
  if (::fsync(file.get()) != 0) return ErrnoError("write " + path);
  if (::rename(pending.c_str(), path.c_str()) != 0) return ErrnoError("make " + path);
  remove_pending.Cancel();
  return {};
}

Result<RemovedImage> Images::Remove(const std::string& words, bool force) {
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  const ImageRemover remover(place.store, place.home.fd(),
                             [&] { return FindImageUsers(place.home); });
  BOXLITE_ASSIGN_OR_RETURN(StoredImage shipped, ReadShippedImage(place.libexec));
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ImageStore::Found> found, place.store.Find(words));
  // Its name is the build's; what can be removed is its copy in the home.
  if (!found && words == shipped.name && place.store.Has(shipped.digest)) {
    return remover.Remove(shipped.digest, force);
  }
  return remover.Remove(words, force);
}

Status Images::PruneOne(const Place& place, const ImageEntry& entry, bool dry_run,
                        ImageCleanup& cleanup) {
  if (dry_run) {
    RemovedImage would;
    for (const ImageTag& tag : entry.tags) would.untagged.push_back(tag.name);
    would.deleted = entry.digest;
    BOXLITE_ASSIGN_OR_RETURN(would.reclaimed_bytes,
                             TreeBytes(place.store.images_fd(), ImageDirectoryName(entry.digest)));
    cleanup.reclaimed_bytes += would.reclaimed_bytes;
    cleanup.images.push_back(std::move(would));
    return {};
  }
  const ImageRemover remover(place.store, place.home.fd(),
                             [&] { return FindImageUsers(place.home); });
  BOXLITE_ASSIGN_OR_RETURN(RemovedImage removed, remover.RemoveUnused(entry.digest));
  cleanup.reclaimed_bytes += removed.reclaimed_bytes;
  if (!removed.deleted.empty()) cleanup.images.push_back(std::move(removed));
  return {};
}

Result<ImageCleanup> Images::Prune(bool all, bool dry_run, const Predicate& wanted) {
  ImageCleanup cleanup;
  BOXLITE_ASSIGN_OR_RETURN(std::optional<Home> there, OpenForReading());
  if (!there) return cleanup;
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageEntry> entries, List());
  BOXLITE_ASSIGN_OR_RETURN(ImageUsers users, FindImageUsers(place.home));
  for (const ImageEntry& entry : entries) {
    // The shipped one has its name, and costs a copy at the next use.
    const bool named = !entry.tags.empty() || entry.shipped;
    if (!entry.in_home || (named && !all) || !entry.boxes.empty()) continue;
    if (!users.unreadable.empty() || !wanted(entry)) continue;
    Status pruned = PruneOne(place, entry, dry_run, cleanup);
    if (!pruned.ok() && pruned.error().code() != ErrorCode::kNotFound) {
      cleanup.failures.push_back(
          std::move(pruned).error().While("remove the image " + entry.digest));
    }
  }
  BOXLITE_ASSIGN_OR_RETURN(cleanup.leftovers,
                           SweepMakings(place.store, dry_run ? Sweep::kLook : Sweep::kRemove));
  BOXLITE_ASSIGN_OR_RETURN(cleanup.strangers, place.store.Strangers());
  if (!dry_run) SweepLeftovers(place.home);
  return cleanup;
}

Status Images::Login(const std::string& host, const std::string& user, const std::string& password,
                     const std::string& config_file) {
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  ImageRequest request;
  request.work = ImageWork::kLogin;
  request.host = host;
  request.user = user;
  request.password = password;
  request.config_file = config_file;
  return RunImageHelper({place.libexec, place.home.fd(), -1}, request, {});
}

Status Images::Logout(const std::string& host, const std::string& config_file,
                      const ImageEventSink& sink) {
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  ImageRequest request;
  request.work = ImageWork::kLogout;
  request.host = host;
  request.config_file = config_file;
  return RunImageHelper({place.libexec, place.home.fd(), -1}, request, sink);
}

Result<Images::Chosen> Images::ChooseRootfs(const std::string& directory,
                                            const ImageEventSink& sink) {
  LoadOptions options;
  options.path = directory;
  options.anonymous = true;
  // "DIR:NAME", as the tools that make such directories write it, unless there is such a directory.
  const std::size_t colon = directory.rfind(':');
  if (colon != std::string::npos && ::access(directory.c_str(), F_OK) != 0) {
    options.path = directory.substr(0, colon);
    options.only = directory.substr(colon + 1);
  }
  struct stat info = {};
  if (::stat(options.path.c_str(), &info) != 0) return ErrnoError("open " + options.path);
  if (!S_ISDIR(info.st_mode)) {
    return Error(ErrorCode::kInvalidArgument,
                 options.path +
                     " is no directory: --rootfs takes an OCI layout (boxlite load takes "
                     "archives)");
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<GotImage> got, Load(options, sink));
  if (got.size() != 1) return Error(ErrorCode::kInternal, "boxlite-image loaded nothing");
  return Choose(got.front().digest, PullPolicy::kNever, {});
}

}  // namespace boxlite

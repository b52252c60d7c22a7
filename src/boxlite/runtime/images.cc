#include "boxlite/runtime/images.h"

#include <sys/stat.h>

#include <algorithm>

#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/engine_choice.h"

namespace boxlite {
namespace {

Error NoSuchImage(const std::string& words) {
  return Error(ErrorCode::kNotFound,
               "no such image: " + words + " (boxlite images shows all, boxlite pull fetches one)");
}

// "boxlite/base", or the same name in full.
bool Names(const std::string& words, const StoredImage& shipped) {
  if (words == shipped.name || words == shipped.digest) return true;
  Result<Reference> asked = Reference::Parse(words);
  Result<Reference> named = Reference::Parse(shipped.name);
  return asked.ok() && named.ok() && asked->Full() == named->Full();
}

// What the base takes of the disk: it is mostly holes.
std::uint64_t BytesOf(const Result<Fd>& directory) {
  struct stat info = {};
  if (!directory.ok() || ::fstatat(directory->get(), kBaseFile, &info, 0) != 0) return 0;
  return static_cast<std::uint64_t>(info.st_blocks) * 512;
}

}  // namespace

Result<ImageUsers> FindImageUsers(const Home& home) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxId> ids, home.ListBoxes());
  ImageUsers users;
  for (const BoxId& id : ids) {
    Result<Fd> box = home.OpenBox(id);
    if (!box.ok() && box.error().code() == ErrorCode::kNotFound) continue;  // just removed
    Result<std::string> text =
        box.ok() ? ReadFile(box->get(), kSpecFile, kMaxDocumentBytes) : std::move(box).error();
    Result<BoxSpec> spec = text.ok() ? DecodeSpec(*text) : std::move(text).error();
    if (spec.ok()) {
      users.boxes_by_digest[spec->image_digest].push_back(id.str());
    } else if (home.OpenBox(id).ok()) {
      users.unreadable.push_back(id.str());
    }
  }
  return users;
}

Result<std::string> Images::Libexec() { return FindLibexec(libexec_option_); }

Result<StoredImage> Images::Shipped() {
  BOXLITE_ASSIGN_OR_RETURN(std::string libexec, Libexec());
  return ReadShippedImage(libexec);
}

Result<Images::Place> Images::OpenForWriting() {
  BOXLITE_ASSIGN_OR_RETURN(std::string libexec, Libexec());
  BOXLITE_ASSIGN_OR_RETURN(std::string path, Home::ResolvePath(home_option_));
  BOXLITE_ASSIGN_OR_RETURN(Home home, Home::OpenOrCreate(path));
  BOXLITE_ASSIGN_OR_RETURN(ImageStore store, ImageStore::OpenOrCreate(home.fd()));
  return Place{std::move(home), std::move(store), std::move(libexec)};
}

Result<std::optional<Home>> Images::OpenForReading() {
  BOXLITE_ASSIGN_OR_RETURN(std::string path, Home::ResolvePath(home_option_));
  return Home::OpenIfExists(path);
}

Result<std::vector<ImageEntry>> Images::List() {
  BOXLITE_ASSIGN_OR_RETURN(StoredImage shipped, Shipped());
  BOXLITE_ASSIGN_OR_RETURN(std::optional<Home> home, OpenForReading());
  std::vector<ImageEntry> entries;
  bool shipped_in_home = false;
  std::vector<ImageTag> tags;
  ImageUsers users;
  if (home) {
    BOXLITE_ASSIGN_OR_RETURN(ImageStore store, ImageStore::Open(home->fd()));
    BOXLITE_ASSIGN_OR_RETURN(tags, store.Tags());
    BOXLITE_ASSIGN_OR_RETURN(users, FindImageUsers(*home));
    BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageStore::Entry> stored, store.List());
    for (ImageStore::Entry& one : stored) {
      shipped_in_home = shipped_in_home || one.digest == shipped.digest;
      if (one.digest == shipped.digest) continue;
      const std::uint64_t bytes = BytesOf(store.OpenImage(one.digest));
      entries.push_back({one.digest, std::move(one.image), {}, false, true, bytes, {}});
    }
  }
  const auto stored_ns = [](const ImageEntry& entry) {
    return entry.image.ok() ? entry.image->stored_ns : 0;
  };
  std::stable_sort(entries.begin(), entries.end(), [&](const ImageEntry& a, const ImageEntry& b) {
    return stored_ns(a) > stored_ns(b);
  });
  BOXLITE_ASSIGN_OR_RETURN(std::string libexec, Libexec());
  const std::string digest = shipped.digest;
  const std::uint64_t bytes = BytesOf(OpenDirectoryPath(libexec + kShippedImage));
  entries.insert(entries.begin(),
                 {digest, std::move(shipped), {}, /*shipped=*/true, shipped_in_home, bytes, {}});
  for (ImageEntry& entry : entries) {
    std::copy_if(tags.begin(), tags.end(), std::back_inserter(entry.tags),
                 [&](const ImageTag& tag) { return tag.image == entry.digest; });
    entry.boxes = users.boxes_by_digest[entry.digest];
  }
  return entries;
}

Result<ImageEntry> Images::Find(const std::string& words) {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageEntry> entries, List());
  if (Names(words, *entries.front().image)) return std::move(entries.front());
  BOXLITE_ASSIGN_OR_RETURN(std::optional<Home> home, OpenForReading());
  if (!home) return NoSuchImage(words);
  BOXLITE_ASSIGN_OR_RETURN(ImageStore store, ImageStore::Open(home->fd()));
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ImageStore::Found> found, store.Find(words));
  if (!found) return NoSuchImage(words);
  for (ImageEntry& entry : entries) {
    if (entry.digest == found->digest) return std::move(entry);
  }
  return NoSuchImage(words);
}

Result<Images::Documents> Images::ReadDocuments(const ImageEntry& entry) {
  Documents documents;
  if (!entry.in_home) return documents;
  BOXLITE_ASSIGN_OR_RETURN(std::optional<Home> home, OpenForReading());
  if (!home) return documents;
  BOXLITE_ASSIGN_OR_RETURN(ImageStore store, ImageStore::Open(home->fd()));
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, store.OpenImage(entry.digest));
  for (const auto& [name, text] :
       {std::pair(kConfigFile, &documents.config), std::pair(kManifestFile, &documents.manifest)}) {
    BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string> bytes,
                             ReadFileIfExists(directory.get(), name, kMaxImageRecordBytes));
    *text = bytes.value_or("");
  }
  return documents;
}

Status Images::Tag(const std::string& words, const std::string& name) {
  BOXLITE_ASSIGN_OR_RETURN(Reference reference, Reference::Parse(name));
  if (reference.digest()) {
    return Error(ErrorCode::kInvalidArgument, name + " has a digest, and a new name cannot");
  }
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  BOXLITE_ASSIGN_OR_RETURN(std::string digest, DigestFor(place, words, PullPolicy::kNever, {}));
  ImageTag tag;
  tag.name = reference.Full();
  tag.image = digest;
  return place.store.Tag(tag);
}

Result<std::string> Images::DigestFor(const Place& place, const std::string& words,
                                      PullPolicy policy, const ImageEventSink& sink) {
  BOXLITE_ASSIGN_OR_RETURN(StoredImage shipped, ReadShippedImage(place.libexec));
  if (Names(words, shipped)) {
    BOXLITE_RETURN_IF_ERROR(EnsureShippedImage(place.store, place.libexec, shipped));
    return shipped.digest;
  }
  BOXLITE_ASSIGN_OR_RETURN(std::optional<ImageStore::Found> found, place.store.Find(words));
  // A tag whose image is gone finds nothing.
  if (found && !place.store.Has(found->digest)) found.reset();
  // A registry knows names, not the digests that images have here.
  const bool may_pull = !words.starts_with("sha256:") && (!found || found->tag);
  if (found && (policy != PullPolicy::kAlways || !may_pull)) return found->digest;
  if (policy == PullPolicy::kNever || !may_pull) return NoSuchImage(words);
  ImageRequest request;
  request.work = ImageWork::kPull;
  request.names = {words};
  BOXLITE_ASSIGN_OR_RETURN(std::vector<GotImage> got, Ask(place, request, -1, sink));
  if (got.size() == 1) return got.front().digest;
  return Error(ErrorCode::kInternal, "boxlite-image pulled nothing");
}

Result<Images::Chosen> Images::Choose(const std::string& words, PullPolicy policy,
                                      const ImageEventSink& sink) {
  BOXLITE_ASSIGN_OR_RETURN(Place place, OpenForWriting());
  BOXLITE_ASSIGN_OR_RETURN(std::string digest, DigestFor(place, words, policy, sink));
  BOXLITE_ASSIGN_OR_RETURN(OfdLock hold, place.store.Hold(digest));
  BOXLITE_ASSIGN_OR_RETURN(StoredImage image, place.store.Read(digest));
  return Chosen{std::move(image), std::move(hold)};
}

}  // namespace boxlite

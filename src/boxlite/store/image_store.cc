#include "boxlite/store/image_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/files.h"
#include "boxlite/base/wall_clock.h"

namespace boxlite {
namespace {

constexpr char kImagesDir[] = "images";
constexpr char kTagsDir[] = "tags";
// Who removes an image looks at all boxes meanwhile.
constexpr std::chrono::seconds kUseLockWait{30};
constexpr std::size_t kShortestPrefix = 4;
constexpr std::size_t kLongestFileName = 240;

// Names in docker's grammar have no '%'; of too long ones the end, where they differ, is kept.
std::string TagFileName(const std::string& full_name) {
  std::string file;
  for (const char c : full_name) file += c == '/' ? std::string("%2F") : std::string(1, c);
  if (file.size() <= kLongestFileName) return file;
  // FNV-1a: only has to tell names apart that share their last 200 bytes.
  std::uint64_t sum = 14695981039346656037ULL;
  for (const char c : full_name) sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return std::to_string(sum) + "%" + file.substr(file.size() - 200);
}

bool IsHex(const std::string& text) {
  return text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool IsDirectory(int dir_fd, const std::string& name) {
  struct stat info = {};
  return ::fstatat(dir_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

Result<Fd> OpenIfThere(int home_fd, const char* name) {
  Result<Fd> directory = OpenDirectory(home_fd, name);
  if (!directory.ok() && directory.error().code() == ErrorCode::kNotFound) return Fd();
  return directory;
}

}  // namespace

std::string ImageDirectoryName(const std::string& digest) {
  std::string name = digest;
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

std::optional<std::string> DigestOfDirectory(const std::string& name) {
  if (!name.starts_with("sha256-")) return std::nullopt;
  Result<Digest> digest = Digest::Parse("sha256:" + name.substr(7));
  if (!digest.ok()) return std::nullopt;
  return digest->text();
}

Result<ImageStore> ImageStore::Open(int home_fd) {
  ImageStore store;
  BOXLITE_ASSIGN_OR_RETURN(store.images_, OpenIfThere(home_fd, kImagesDir));
  BOXLITE_ASSIGN_OR_RETURN(store.tags_, OpenIfThere(home_fd, kTagsDir));
  return store;
}

Result<ImageStore> ImageStore::OpenOrCreate(int home_fd) {
  BOXLITE_RETURN_IF_ERROR(EnsureDirectory(home_fd, kImagesDir));
  BOXLITE_RETURN_IF_ERROR(EnsureDirectory(home_fd, kTagsDir));
  return Open(home_fd);
}

Result<std::vector<ImageStore::Entry>> ImageStore::List() const {
  std::vector<Entry> entries;
  if (!images_.valid()) return entries;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(images_fd()));
  for (const std::string& name : names) {
    const std::optional<std::string> digest = DigestOfDirectory(name);
    if (!digest || !IsDirectory(images_fd(), name)) continue;
    Result<StoredImage> image = Read(*digest);
    // Removed while we looked.
    if (!image.ok() && image.error().code() == ErrorCode::kNotFound && !Has(*digest)) continue;
    entries.push_back({*digest, std::move(image)});
  }
  return entries;
}

Result<std::vector<std::string>> ImageStore::Strangers() const {
  std::vector<std::string> strangers;
  if (images_.valid()) {
    BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(images_fd()));
    for (const std::string& name : names) {
      if (name.starts_with(".new-") || name.starts_with(".lock-")) continue;
      if (DigestOfDirectory(name) && IsDirectory(images_fd(), name)) continue;
      strangers.push_back(std::string(kImagesDir) + "/" + name);
    }
  }
  if (tags_.valid()) {
    BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(tags_.get()));
    for (const std::string& name : names) {
      Result<std::string> text = ReadFile(tags_.get(), name, kMaxImageRecordBytes);
      Result<ImageTag> tag = text.ok() ? DecodeTag(*text) : std::move(text).error();
      if (tag.ok() && TagFileName(tag->name) == name) continue;
      if (!tag.ok() && tag.error().code() == ErrorCode::kNotFound) continue;  // just untagged
      strangers.push_back(std::string(kTagsDir) + "/" + name);
    }
  }
  std::sort(strangers.begin(), strangers.end());
  return strangers;
}

Result<Fd> ImageStore::OpenImage(const std::string& digest) const {
  BOXLITE_ASSIGN_OR_RETURN(Digest checked, Digest::Parse(digest));
  Result<Fd> image = images_.valid()
                         ? OpenDirectory(images_fd(), ImageDirectoryName(checked.text()))
                         : Error(ErrorCode::kNotFound, "no images");
  if (image.ok() || image.error().code() != ErrorCode::kNotFound) return image;
  return Error(ErrorCode::kNotFound, "the image " + digest + " is not in the home");
}

bool ImageStore::Has(const std::string& digest) const { return OpenImage(digest).ok(); }

Result<StoredImage> ImageStore::Read(const std::string& digest) const {
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenImage(digest));
  BOXLITE_ASSIGN_OR_RETURN(std::string text,
                           ReadFile(directory.get(), kImageFile, kMaxImageRecordBytes));
  BOXLITE_ASSIGN_OR_RETURN(StoredImage image, DecodeImage(text));
  if (image.digest == digest) return image;
  return Error(ErrorCode::kCorrupt, "the directory of the image " + digest + " holds another one");
}

Result<std::vector<ImageTag>> ImageStore::Tags() const {
  std::vector<ImageTag> tags;
  if (!tags_.valid()) return tags;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(tags_.get()));
  for (const std::string& name : names) {
    Result<std::optional<std::string>> text =
        ReadFileIfExists(tags_.get(), name, kMaxImageRecordBytes);
    if (!text.ok() || !text->has_value()) continue;  // Strangers() tells of it
    Result<ImageTag> tag = DecodeTag(**text);
    if (tag.ok() && TagFileName(tag->name) == name) tags.push_back(std::move(*tag));
  }
  std::sort(tags.begin(), tags.end(),
            [](const ImageTag& a, const ImageTag& b) { return a.name < b.name; });
  return tags;
}

Result<std::optional<ImageTag>> ImageStore::FindTag(const std::string& full_name) const {
  if (!tags_.valid()) return std::optional<ImageTag>();
  BOXLITE_ASSIGN_OR_RETURN(
      std::optional<std::string> text,
      ReadFileIfExists(tags_.get(), TagFileName(full_name), kMaxImageRecordBytes));
  if (!text) return std::optional<ImageTag>();
  Result<ImageTag> tag = DecodeTag(*text);
  if (!tag.ok()) return std::move(tag).error().While("read what " + full_name + " names");
  if (tag->name != full_name) return std::optional<ImageTag>();
  return std::optional<ImageTag>(std::move(*tag));
}

Status ImageStore::Tag(const ImageTag& tag) const {
  // Held, so that it is not removed between the look and the tag.
  Result<OfdLock> held = Hold(tag.image);
  if (!held.ok()) return std::move(held).error().While("name it " + tag.name);
  ImageTag stamped = tag;
  if (stamped.tagged_ns == 0) stamped.tagged_ns = WallClockNowNs();
  return WriteFileAtomically(tags_.get(), TagFileName(tag.name), EncodeTag(stamped),
                             Durability::kDurable);
}

Status ImageStore::Untag(const std::string& full_name) const {
  if (!tags_.valid()) return {};
  if (::unlinkat(tags_.get(), TagFileName(full_name).c_str(), 0) != 0 && errno != ENOENT) {
    return ErrnoError("take the name " + full_name + " away");
  }
  return SyncDirectory(tags_.get());
}

Result<OfdLock> ImageStore::Lock(const std::string& digest, LockMode mode) const {
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenImage(digest));
  // Images of earlier versions have none.
  Fd file(::openat(directory.get(), kUseLock, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return ErrnoError("make the lock of the image " + digest);
  BOXLITE_ASSIGN_OR_RETURN(OfdLock lock,
                           OfdLock::Acquire(directory.get(), kUseLock, kUseLockWait, mode));
  BOXLITE_ASSIGN_OR_RETURN(Fd named, OpenImage(digest));
  struct stat held = {};
  struct stat now = {};
  if (::fstat(directory.get(), &held) != 0 || ::fstat(named.get(), &now) != 0) {
    return ErrnoError("look at the image " + digest);
  }
  if (held.st_ino == now.st_ino && held.st_dev == now.st_dev) return lock;
  return Error(ErrorCode::kNotFound, "the image " + digest + " was removed meanwhile");
}

Result<std::optional<ImageStore::Found>> ImageStore::FindByDigest(
    const std::string& beginning) const {
  const bool whole = beginning.starts_with("sha256:");
  const std::string hex = whole ? beginning.substr(7) : beginning;
  if (hex.size() < kShortestPrefix || hex.size() > 64 || !IsHex(hex) || !images_.valid()) {
    return std::optional<Found>();
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(images_fd()));
  std::optional<Found> found;
  for (const std::string& name : names) {
    const std::optional<std::string> digest = DigestOfDirectory(name);
    if (!digest || !digest->substr(7).starts_with(hex)) continue;
    if (found) {
      return Error(ErrorCode::kInvalidArgument,
                   "'" + beginning + "' begins the digests of several images: give more of it");
    }
    found = Found{*digest, std::nullopt};
  }
  return found;
}

Result<std::optional<ImageStore::Found>> ImageStore::FindByName(const Reference& reference) const {
  BOXLITE_ASSIGN_OR_RETURN(std::vector<ImageTag> tags, Tags());
  std::optional<ImageTag> best;
  for (const ImageTag& tag : tags) {
    Result<Reference> named = Reference::Parse(tag.name);
    if (!named.ok()) continue;
    bool matches = tag.name == reference.Full();
    // A name with a digest: whatever tag it came by.
    if (!matches && reference.digest() && tag.manifest == reference.digest()) {
      matches = named->name() == reference.name() && !reference.tag();
    }
    if (!matches && tag.searched && !reference.qualified()) {
      matches = tag.name == reference.At(named->host()).Full();
      if (matches && best && best->searched && best->tagged_ns > tag.tagged_ns) matches = false;
    } else if (matches && best && best->searched) {
      matches = false;
    }
    if (matches) best = tag;
  }
  if (!best) return std::optional<Found>();
  return std::optional<Found>(Found{best->image, best});
}

Result<std::optional<ImageStore::Found>> ImageStore::Find(const std::string& words) const {
  if (words.starts_with("sha256:")) return FindByDigest(words);
  Result<Reference> reference = Reference::Parse(words);
  if (reference.ok()) {
    Result<std::optional<Found>> named = FindByName(*reference);
    if (!named.ok() || named->has_value()) return named;
  }
  Result<std::optional<Found>> by_digest = FindByDigest(words);
  if (!by_digest.ok() || by_digest->has_value() || reference.ok()) return by_digest;
  return std::move(reference).error();
}

}  // namespace boxlite

// ImageStore: the images of a home. An image is a directory that appears by one rename and never
// changes; a tag is a small file that is replaced by one rename. There is no index that could
// disagree with them.
//
//   images/sha256-<hex>/   base.ext4, image.json; config.json and manifest.json as they came;
//                          use.lock, shared by who makes a box of it, alone by who removes it
//   images/.new-<key>/     in the making, by whoever holds the lock images/.lock-<key>
//   tags/<name>            {name, image, manifest}; '/' is written %2F
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/result.h"
#include "boxlite/oci/reference.h"
#include "boxlite/store/image_record.h"

namespace boxlite {

inline constexpr char kBaseFile[] = "base.ext4";
inline constexpr char kImageFile[] = "image.json";
inline constexpr char kConfigFile[] = "config.json";      // the bytes whose digest names the image
inline constexpr char kManifestFile[] = "manifest.json";  // absent where there was none
inline constexpr char kUseLock[] = "use.lock";

class ImageStore {
 public:
  // Opens what is there; makes nothing. `home_fd` is borrowed for this call. A home without images/
  // or tags/ has no images.
  static Result<ImageStore> Open(int home_fd);
  // Makes what is missing.
  static Result<ImageStore> OpenOrCreate(int home_fd);

  int images_fd() const { return images_.get(); }

  struct Entry {
    std::string digest;
    Result<StoredImage> image;  // an error: its directory is damaged
  };
  // In no order. What is being made is not seen.
  Result<std::vector<Entry>> List() const;
  // What in images/ and tags/ is not ours: left alone, and told to people.
  Result<std::vector<std::string>> Strangers() const;

  // kNotFound, in words.
  Result<StoredImage> Read(const std::string& digest) const;
  bool Has(const std::string& digest) const;
  Result<Fd> OpenImage(const std::string& digest) const;

  // Those that can be read, by name.
  Result<std::vector<ImageTag>> Tags() const;
  Result<std::optional<ImageTag>> FindTag(const std::string& full_name) const;
  // Replaces what the name meant. kNotFound when there is no such image.
  Status Tag(const ImageTag& tag) const;
  // An absent one is fine.
  Status Untag(const std::string& full_name) const;

  struct Found {
    std::string digest;
    std::optional<ImageTag> tag;  // by which it was found; none: by its digest
  };
  // What a person's words mean: a name in docker's grammar (without a registry: what it meant when
  // it was pulled, else docker.io's), a name with a digest, an image's digest or the beginning of
  // one. nullopt: none here. kInvalidArgument: an ambiguous beginning, or no name at all.
  Result<std::optional<Found>> Find(const std::string& words) const;

  // While one is held the image is not removed. kNotFound when it is gone.
  Result<OfdLock> Hold(const std::string& digest) const { return Lock(digest, LockMode::kShared); }
  // To remove it: nobody else begins to use it.
  Result<OfdLock> HoldAlone(const std::string& digest) const {
    return Lock(digest, LockMode::kExclusive);
  }

 private:
  Result<OfdLock> Lock(const std::string& digest, LockMode mode) const;
  Result<std::optional<Found>> FindByDigest(const std::string& beginning) const;
  Result<std::optional<Found>> FindByName(const Reference& reference) const;

  Fd images_;
  Fd tags_;
};

// "sha256:<hex>" <-> "sha256-<hex>"; nullopt for what is no such name.
std::string ImageDirectoryName(const std::string& digest);
std::optional<std::string> DigestOfDirectory(const std::string& name);

}  // namespace boxlite

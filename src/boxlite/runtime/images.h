// Images: everything that can be asked of the images of a home, beside those that ship with the
// build. All calls block. Reads of the home happen here; what strangers have made is touched by the
// helper program only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/image_helper.h"
#include "boxlite/store/image_store.h"
#include "boxlite/store/remove_image.h"

namespace boxlite {

// Whether a registry is asked for an image that a box is to be made of.
enum class PullPolicy { kMissing, kAlways, kNever };

// One image, as people look at it.
struct ImageEntry {
  std::string digest;
  Result<StoredImage> image;  // an error: its directory is damaged
  std::vector<ImageTag> tags;
  bool shipped = false;  // it comes with this build, and has its name
  bool in_home = false;
  std::uint64_t bytes = 0;         // that its base takes of the disk; 0: not known
  std::vector<std::string> boxes;  // ids of those that need it
};

struct PullOptions {
  std::string reference;
  std::string platform;     // empty: what boxes run
  std::string config_file;  // of registries; empty: the home's
};

// An image that is there now.
struct GotImage {
  std::string digest;
  std::vector<std::string> names;  // full
  std::string manifest;            // what a registry calls it; may be empty
  bool fresh = false;              // it was not there before
};

struct LoadOptions {
  std::string path;        // a file or a layout's directory; "-": stdin
  std::string name;        // instead of the archive's own; empty: those
  std::string only;        // of a layout's images that with this name; empty: all
  bool anonymous = false;  // no names
  std::string platform;
};

struct ImportOptions {
  std::string path;  // "-": stdin
  std::string name;  // empty: none
  std::vector<std::string> changes;
  std::string message;
  std::string platform;
};

// What is or would be taken away.
struct ImageCleanup {
  std::vector<RemovedImage> images;
  std::vector<std::string> leftovers;  // of dead makers, by name
  std::vector<std::string> strangers;  // what is not ours, and stays
  std::uint64_t reclaimed_bytes = 0;
  std::vector<Error> failures;  // of images that stayed; the others were gone on with
};

class Images {
 public:
  // As in RuntimeOptions. Touches nothing yet.
  Images(std::string home, std::string libexec)
      : home_option_(std::move(home)), libexec_option_(std::move(libexec)) {}

  // All, the shipped one first, then the newest. Reads only.
  Result<std::vector<ImageEntry>> List();
  // kNotFound, in words.
  Result<ImageEntry> Find(const std::string& words);
  // The bytes of its configuration and its manifest, as they came; empty: not kept.
  struct Documents {
    std::string config;
    std::string manifest;
  };
  Result<Documents> ReadDocuments(const ImageEntry& entry);

  Result<GotImage> Pull(const PullOptions& options, const ImageEventSink& sink);
  // kNotFound for an unknown image; the shipped one may be named too.
  Status Tag(const std::string& words, const std::string& name);
  Result<std::vector<GotImage>> Load(const LoadOptions& options, const ImageEventSink& sink);
  Result<GotImage> Import(const ImportOptions& options, const ImageEventSink& sink);
  // To a file, which appears when it is whole, or to an open descriptor.
  Status Save(const std::vector<std::string>& words, const std::string& path);
  Status SaveTo(const std::vector<std::string>& words, int fd);

  Result<RemovedImage> Remove(const std::string& words, bool force);
  // Those without a name (with `all`: all) that no box needs and for which `wanted` says so; and
  // what dead makers left. With `dry_run` it only tells.
  using Predicate = std::function<bool(const ImageEntry&)>;
  Result<ImageCleanup> Prune(bool all, bool dry_run, const Predicate& wanted);

  Status Login(const std::string& host, const std::string& user, const std::string& password,
               const std::string& config_file);
  // What there is to be told of it goes to the sink.
  Status Logout(const std::string& host, const std::string& config_file,
                const ImageEventSink& sink);

  // For a new box: the image, and a hold on it, so that it is not removed before the box is there.
  struct Chosen {
    StoredImage image;
    OfdLock hold;
  };
  Result<Chosen> Choose(const std::string& words, PullPolicy policy, const ImageEventSink& sink);
  // The same of a layout's directory, "DIR" or "DIR:NAME".
  Result<Chosen> ChooseRootfs(const std::string& directory, const ImageEventSink& sink);

 private:
  struct Place {  // a home for writing
    Home home;
    ImageStore store;
    std::string libexec;
  };
  Result<Place> OpenForWriting();
  Result<std::optional<Home>> OpenForReading();
  Result<std::string> Libexec();
  Result<StoredImage> Shipped();
  Result<std::vector<GotImage>> Ask(const Place& place, const ImageRequest& request, int data_fd,
                                    const ImageEventSink& sink);
  Result<std::string> DigestFor(const Place& place, const std::string& words, PullPolicy policy,
                                const ImageEventSink& sink);
  Status PruneOne(const Place& place, const ImageEntry& entry, bool dry_run, ImageCleanup& cleanup);

  std::string home_option_;
  std::string libexec_option_;
};

// Which boxes of the home need which image.
Result<ImageUsers> FindImageUsers(const Home& home);

inline constexpr char kShippedImage[] = "/images/base";  // below libexec

// The image that ships with the build, copied into the home once: a box must restart after an
// upgrade has replaced the shipped files.
Result<StoredImage> ReadShippedImage(const std::string& libexec);
Status EnsureShippedImage(const ImageStore& store, const std::string& libexec,
                          const StoredImage& image);

}  // namespace boxlite

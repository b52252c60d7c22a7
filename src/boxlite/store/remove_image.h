// Taking images out of the store. What a box needs is never removed, whatever is asked for.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/store/image_store.h"

namespace boxlite {

// Which boxes were made of which image; read anew under the image's lock.
struct ImageUsers {
  std::map<std::string, std::vector<std::string>> boxes_by_digest;
  // Boxes that cannot be read may need any image: then none is removed.
  std::vector<std::string> unreadable;
};
using FindUsers = std::function<Result<ImageUsers>()>;

struct RemovedImage {
  std::vector<std::string> untagged;  // full names
  std::string deleted;                // digest; empty: the image stays
  std::uint64_t reclaimed_bytes = 0;
};

class ImageRemover {
 public:
  // `home_fd` is borrowed, and has .trash/.
  ImageRemover(const ImageStore& store, int home_fd, FindUsers find_users)
      : store_(store), home_fd_(home_fd), find_users_(std::move(find_users)) {}

  // As docker's rmi. A name is taken away; with its last name the image goes. By digest the image
  // goes with all its names, which must be of one repository unless forced. kConflict when a box
  // needs the image: nothing has changed then; with `force` it loses the names and stays.
  Result<RemovedImage> Remove(const std::string& words, bool force) const;

  // The image alone, unless a box needs it (then nothing is deleted).
  Result<RemovedImage> RemoveUnused(const std::string& digest) const;

 private:
  Result<std::vector<std::string>> BoxesOf(const std::string& digest) const;
  Result<std::uint64_t> TakeOut(const std::string& digest) const;

  const ImageStore& store_;
  int home_fd_;
  FindUsers find_users_;
};

}  // namespace boxlite

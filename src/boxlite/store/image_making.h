// ImageMaking: an image on its way into the store. One process makes it, others wait; a death at
// any instant leaves nothing that is seen, and what it left is taken away by the next.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/result.h"
#include "boxlite/store/image_store.h"

namespace boxlite {

class ImageMaking {
 public:
  // Waits until nobody else makes what has this key (letters, digits, '-'); `on_wait` is called
  // once when that takes a moment. Interruptible (base/interrupt.h). With the lock had, the caller
  // looks whether the image is there by now.
  static Result<ImageMaking> Begin(const ImageStore& store, const std::string& key,
                                   const std::function<void()>& on_wait = {});
  ImageMaking(ImageMaking&&) noexcept;
  ImageMaking& operator=(ImageMaking&&) = delete;
  ~ImageMaking();  // what was not published is gone

  // Where its files are made.
  int directory() const { return directory_.get(); }

  // Writes image.json and the lock file, makes all durable, and lets it appear. The base must be
  // durable by now. An image of the same digest that is there already: success, this one is
  // dropped.
  Status Publish(const StoredImage& image);

 private:
  ImageMaking(int images_fd, std::string key, OfdLock lock, Fd directory);

  int images_fd_;  // the store's, which outlives this
  std::string key_;
  std::optional<OfdLock> lock_;
  Fd directory_;
};

// What dead makers left in images/, by name; with kRemove it is taken away. Nobody's who lives.
enum class Sweep { kLook, kRemove };
Result<std::vector<std::string>> SweepMakings(const ImageStore& store, Sweep sweep);

// kResourceExhausted, with numbers, when the filesystem of dir_fd has not `bytes` to give and a
// reserve beside: told before it is full, for running boxes write there too.
Status RequireSpace(int dir_fd, std::uint64_t bytes, const std::string& what);

}  // namespace boxlite

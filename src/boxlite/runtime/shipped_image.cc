#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxlite/base/files.h"
#include "boxlite/runtime/images.h"
#include "boxlite/store/image_making.h"

namespace boxlite {
namespace {

// Copies `count` bytes at most, of the same place; returns how many. The kernel copies within a
// filesystem (and shares blocks where it can); between two it may refuse, and the bytes go through
// here.
ssize_t CopySome(int from, int to, off_t position, std::size_t count) {
  off_t source = position;
  off_t target = position;
  const ssize_t copied = ::copy_file_range(from, &source, to, &target, count, 0);
  if (copied > 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)) {
    return copied;
  }
  char buffer[64 * 1024];
  const ssize_t got = ::pread(from, buffer, std::min(count, sizeof buffer), position);
  if (got <= 0) return got;
  return ::pwrite(to, buffer, static_cast<std::size_t>(got), position);
}

// Copies data and keeps holes: an ext4 base is mostly empty.
Status CopySparse(int from, int to) {
  struct stat info = {};
  if (::fstat(from, &info) != 0) return ErrnoError("look at the image");
  if (::ftruncate(to, info.st_size) != 0) return ErrnoError("size the image");
  off_t position = 0;
  while (position < info.st_size) {
    const off_t data = ::lseek(from, position, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    const off_t hole = data < 0 ? info.st_size : ::lseek(from, data, SEEK_HOLE);
    const off_t end = hole < 0 ? info.st_size : hole;
    for (off_t at = data < 0 ? position : data; at < end;) {
      const ssize_t count = CopySome(from, to, at, static_cast<std::size_t>(end - at));
      if (count <= 0) return ErrnoError("copy the image");
      at += count;
    }
    position = end;
  }
  if (::fsync(to) != 0) return ErrnoError("fsync the image");
  return {};
}

}  // namespace

Result<StoredImage> ReadShippedImage(const std::string& libexec) {
  Result<Fd> directory = OpenDirectoryPath(libexec + kShippedImage);
  if (!directory.ok()) return std::move(directory).error().While("open the shipped image");
  BOXLITE_ASSIGN_OR_RETURN(std::string text,
                           ReadFile(directory->get(), kImageFile, kMaxImageRecordBytes));
  return DecodeImage(text);
}

Status EnsureShippedImage(const ImageStore& store, const std::string& libexec,
                          const StoredImage& image) {
  if (store.Has(image.digest)) return {};
  BOXLITE_ASSIGN_OR_RETURN(Fd shipped, OpenDirectoryPath(libexec + kShippedImage));
  BOXLITE_ASSIGN_OR_RETURN(
      ImageMaking making,
      ImageMaking::Begin(store, image.digest.substr(image.digest.find(':') + 1)));
  if (store.Has(image.digest)) return {};
  Fd from(::openat(shipped.get(), kBaseFile, O_RDONLY | O_CLOEXEC));
  if (!from.valid()) return ErrnoError("open the shipped image");
  Fd to(::openat(making.directory(), kBaseFile, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to.valid()) return ErrnoError("make the image's base");
  BOXLITE_RETURN_IF_ERROR(CopySparse(from.get(), to.get()));
  return making.Publish(image);
}

}  // namespace boxlite

// Archives of images: their index, tables, manifests and configurations. Opened layers are read to
// their end, unpacked by nobody.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/image/read_images.h"

namespace {

constexpr std::size_t kMaxInput = 256 * 1024;

void ReadToItsEnd(boxlite::ByteSource& source) {
  char room[4096];
  for (;;) {
    const boxlite::Result<std::size_t> count = source.Read(room);
    if (!count.ok() || *count == 0) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMaxInput) return 0;
  boxlite::Fd file(::memfd_create("archive", MFD_CLOEXEC));
  BOXLITE_CHECK(file.valid());
  BOXLITE_CHECK(::pwrite(file.get(), data, size, 0) == static_cast<ssize_t>(size));
  auto blobs = boxlite::OpenArchive(std::move(file));
  if (!blobs.ok()) return 0;
  auto images = boxlite::ReadImages(**blobs, boxlite::BoxPlatform());
  if (!images.ok()) return 0;
  for (const boxlite::FoundImage& image : *images) {
    static_cast<void>(boxlite::ParseConfig(image.source.config).ok());
    for (std::size_t i = 0; i < image.source.layers.size(); ++i) {
      auto layer = image.source.open_layer(i);
      if (layer.ok()) ReadToItsEnd(**layer);
    }
  }
  return 0;
}

#include "boxlite/runtime/image_list.h"

#include <algorithm>

#include "boxlite/base/files.h"
#include "boxlite/runtime/engine_choice.h"
#include "boxlite/runtime/home.h"

namespace boxlite {
namespace {

Result<ImageManifest> ReadManifest(int directory_fd) {
  BOXLITE_ASSIGN_OR_RETURN(std::string text,
                           ReadFile(directory_fd, "image.json", kMaxDocumentBytes));
  return DecodeImageManifest(text);
}

Result<std::vector<KnownImage>> ImagesOf(const Home& home) {
  std::vector<KnownImage> images;
  if (home.images_fd() < 0) return images;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectory(home.images_fd()));
  for (const std::string& name : names) {
    if (name.starts_with(kPendingPrefix)) continue;
    BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenDirectory(home.images_fd(), name));
    Result<ImageManifest> manifest = ReadManifest(directory.get());
    if (!manifest.ok()) return std::move(manifest).error().While("read the image " + name);
    images.push_back({std::move(*manifest), /*shipped=*/false, /*in_home=*/true});
  }
  return images;
}

}  // namespace

Result<std::vector<KnownImage>> ListImages(const std::string& home_path,
                                           const std::string& libexec_given) {
  BOXLITE_ASSIGN_OR_RETURN(std::string libexec, FindLibexec(libexec_given));
  BOXLITE_ASSIGN_OR_RETURN(Fd shipped_directory, OpenDirectoryPath(libexec + "/images/base"));
  BOXLITE_ASSIGN_OR_RETURN(ImageManifest shipped, ReadManifest(shipped_directory.get()));
  BOXLITE_ASSIGN_OR_RETURN(std::string path, Home::ResolvePath(home_path));
  BOXLITE_ASSIGN_OR_RETURN(std::optional<Home> home, Home::OpenIfExists(path));
  std::vector<KnownImage> images;
  if (home) {
    BOXLITE_ASSIGN_OR_RETURN(images, ImagesOf(*home));
  }
  const auto same = std::find_if(images.begin(), images.end(), [&](const KnownImage& image) {
    return image.manifest.digest == shipped.digest;
  });
  const bool in_home = same != images.end();
  if (in_home) images.erase(same);
  std::sort(images.begin(), images.end(), [](const KnownImage& a, const KnownImage& b) {
    return a.manifest.name < b.manifest.name;
  });
  images.insert(images.begin(), {std::move(shipped), /*shipped=*/true, in_home});
  return images;
}

}  // namespace boxlite

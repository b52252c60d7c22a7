#include <sys/stat.h>

#include <algorithm>

#include "boxlite/image/make_image.h"
#include "boxlite/image/read_images.h"
#include "boxlite/image/spool.h"
#include "boxlite/image/works.h"

namespace boxlite {
namespace {

Result<std::unique_ptr<BlobSet>> OpenBlobs(const WorkPlace& place) {
  struct stat info = {};
  if (::fstat(place.data_fd, &info) != 0) return ErrnoError("look at what is to be loaded");
  if (S_ISDIR(info.st_mode)) {
    BOXLITE_ASSIGN_OR_RETURN(Fd directory, DuplicateFd(place.data_fd));
    return OpenLayoutDirectory(std::move(directory));
  }
  BOXLITE_ASSIGN_OR_RETURN(Fd file, Spool(place.data_fd, place.store.images_fd()));
  return OpenArchive(std::move(file));
}

// Of what the archive says those that are names of images; the others are told and left out.
std::vector<Reference> NamesOf(const WorkPlace& place, const std::vector<std::string>& written) {
  std::vector<Reference> names;
  for (const std::string& text : written) {
    Result<Reference> name = Reference::Parse(text);
    if (name.ok() && !name->digest()) {
      names.push_back(std::move(*name));
      continue;
    }
    ImageEvent event;
    event.text = "the archive's name for an image is none, and is left out: " + text;
    place.tell(event);
  }
  return names;
}

Status LoadOne(const WorkPlace& place, const FoundImage& image, const Platform& wanted,
               const std::vector<Reference>& names) {
  BOXLITE_ASSIGN_OR_RETURN(MadeImage made,
                           MakeImage(place.store, image.source, wanted, place.tell));
  ImageEvent event;
  event.kind = ImageEventKind::kImage;
  event.digest = made.digest;
  event.fresh = made.fresh;
  for (const Reference& name : names) {
    ImageTag tag;
    tag.name = name.Full();
    tag.image = made.digest;
    tag.manifest = image.manifest_digest;
    BOXLITE_RETURN_IF_ERROR(place.store.Tag(tag));
    event.names.push_back(tag.name);
  }
  place.tell(event);
  return {};
}

// Of a layout's images the one that is meant by NAME in DIR:NAME.
Status KeepOnly(const std::string& only, std::vector<FoundImage>& images) {
  if (only.empty()) return {};
  std::string there;
  for (const FoundImage& image : images) {
    for (const std::string& name : image.names) there += " " + name;
  }
  std::erase_if(images, [&](const FoundImage& image) {
    return std::ranges::find(image.names, only) == image.names.end();
  });
  if (!images.empty()) return {};
  return Error(
      ErrorCode::kNotFound,
      "there is no image " + only + (there.empty() ? ", none has a name" : "; there are:" + there));
}

}  // namespace

Status LoadImages(const WorkPlace& place, const ImageRequest& request) {
  BOXLITE_ASSIGN_OR_RETURN(Platform wanted, WantedPlatform(request.platform));
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<BlobSet> blobs, OpenBlobs(place));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<FoundImage> images, ReadImages(*blobs, wanted));
  BOXLITE_RETURN_IF_ERROR(KeepOnly(request.only, images));
  const bool wants_one = !request.names.empty() || request.anonymous;
  if (wants_one && images.size() != 1) {
    return Error(ErrorCode::kInvalidArgument,
                 "there are " + std::to_string(images.size()) + " images, and one is wanted");
  }
  for (const FoundImage& image : images) {
    std::vector<Reference> names;
    if (!request.anonymous) {
      names = NamesOf(place, request.names.empty() ? image.names : request.names);
    }
    BOXLITE_RETURN_IF_ERROR(LoadOne(place, image, wanted, names));
  }
  return {};
}

}  // namespace boxlite

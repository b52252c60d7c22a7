// For tests only: a home with a store and images of a few bytes.
#pragma once

#include <string>

#include "boxlite/base/testing.h"
#include "boxlite/store/image_making.h"
#include "boxlite/store/image_store.h"

namespace boxlite {

class StoreFixture {
 public:
  StoreFixture() {
    BOXLITE_CHECK(EnsureDirectory(home_.fd(), ".trash").ok());
    Result<ImageStore> store = ImageStore::OpenOrCreate(home_.fd());
    BOXLITE_CHECK(store.ok());
    store_.emplace(std::move(*store));
  }

  ImageStore& store() { return *store_; }
  int fd() const { return home_.fd(); }
  const std::string& path() const { return home_.path(); }

  // Its digest has 63 times the first digit, then the second.
  std::string AddImage(char digit, char last = 0) {
    StoredImage image;
    image.digest = "sha256:" + std::string(63, digit) + (last == 0 ? digit : last);
    Result<ImageMaking> making = ImageMaking::Begin(*store_, image.digest.substr(7));
    BOXLITE_CHECK(making.ok());
    BOXLITE_CHECK(
        WriteFileAtomically(making->directory(), kBaseFile, "base", Durability::kVolatile).ok());
    BOXLITE_CHECK(making->Publish(image).ok());
    return image.digest;
  }

  void Tag(const std::string& name, const std::string& digest) {
    Result<Reference> reference = Reference::Parse(name);
    BOXLITE_CHECK(reference.ok());
    ImageTag tag;
    tag.name = reference->Full();
    tag.image = digest;
    BOXLITE_CHECK(store_->Tag(tag).ok());
  }

 private:
  TestDirectory home_;
  std::optional<ImageStore> store_;
};

}  // namespace boxlite

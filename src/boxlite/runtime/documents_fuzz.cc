// The JSON documents of a home: of a box's directory, and of images. The first byte chooses one;
// the rest is its text. What decodes must encode to something that decodes to the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "boxlite/runtime/documents.h"
#include "boxlite/store/image_record.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxInput = 64 * 1024;

template <typename T>
void RoundTrip(std::string_view text, Result<T> (*decode)(std::string_view),
               std::string (*encode)(const T&)) {
  Result<T> read = decode(text);
  if (!read.ok()) return;
  const std::string written = encode(*read);
  Result<T> again = decode(written);
  BOXLITE_CHECK(again.ok());
  BOXLITE_CHECK(encode(*again) == written);
}

void Fuzz(std::uint8_t choice, std::string_view text) {
  switch (choice % 9) {
    case 0:
      return RoundTrip<BoxSpec>(text, DecodeSpec, EncodeSpec);
    case 1:
      return RoundTrip<LifeRecord>(text, DecodeRecord, EncodeRecord);
    case 2:
      return RoundTrip<MainExit>(text, DecodeMainExit, EncodeMainExit);
    case 3:
      return RoundTrip<LifeOutcome>(text, DecodeOutcome, EncodeOutcome);
    case 4:
      return RoundTrip<ShimBirth>(text, DecodeBirth, EncodeBirth);
    case 5:
      return RoundTrip<StartReport>(text, DecodeReport, EncodeReport);
    case 6:
      return RoundTrip<LockHolder>(text, DecodeHolder, EncodeHolder);
    case 7:
      return RoundTrip<StoredImage>(text, DecodeImage, EncodeImage);
    default:
      return RoundTrip<ImageTag>(text, DecodeTag, EncodeTag);
  }
}

}  // namespace
}  // namespace boxlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > boxlite::kMaxInput) return 0;
  boxlite::Fuzz(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}

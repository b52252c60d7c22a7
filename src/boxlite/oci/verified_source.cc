#include "boxlite/oci/verified_source.h"

#include <string_view>
#include <utility>

namespace boxlite {

VerifiedSource::VerifiedSource(std::unique_ptr<ByteSource> source, Digest digest,
                               std::uint64_t size, std::string what)
    : source_(std::move(source)), digest_(std::move(digest)), size_(size), what_(std::move(what)) {}

Result<std::size_t> VerifiedSource::Read(std::span<char> room) {
  if (ended_) return std::size_t{0};
  BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, source_->Read(room));
  if (count == 0) return End();
  if (count > size_ - seen_) {
    return Error(ErrorCode::kCorrupt, what_ + " (" + digest_.text() + ") goes on beyond its " +
                                          std::to_string(size_) + " bytes");
  }
  seen_ += count;
  sum_.Update(std::string_view(room.data(), count));
  return count;
}

Result<std::size_t> VerifiedSource::End() {
  ended_ = true;
  if (seen_ != size_) {
    return Error(ErrorCode::kCorrupt, what_ + " (" + digest_.text() + ") ends after " +
                                          std::to_string(seen_) + " of " + std::to_string(size_) +
                                          " bytes");
  }
  const Digest found = sum_.Finish();
  if (found != digest_) {
    return Error(ErrorCode::kCorrupt, what_ + " is not what its name says: its digest is " +
                                          found.text() + ", not " + digest_.text());
  }
  return std::size_t{0};
}

}  // namespace boxlite

#include "boxlite/image/blob_set.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace boxlite {
namespace {

class FileSource final : public ByteSource {
 public:
  FileSource(int fd, std::uint64_t begin, std::uint64_t size)
      : fd_(fd), at_(begin), end_(begin + size) {}

  Result<std::size_t> Read(std::span<char> room) override {
    const auto wanted = std::min<std::uint64_t>(room.size(), end_ - at_);
    if (wanted == 0) return std::size_t{0};
    ssize_t count;
    do {
      count = ::pread(fd_, room.data(), static_cast<std::size_t>(wanted), static_cast<off_t>(at_));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return ErrnoError("read the image's file");
    if (count == 0) return Error(ErrorCode::kCorrupt, "the image's file ends too early");
    at_ += static_cast<std::uint64_t>(count);
    return static_cast<std::size_t>(count);
  }

 private:
  int fd_;
  std::uint64_t at_;
  std::uint64_t end_;
};

}  // namespace

std::unique_ptr<ByteSource> NewFileSource(int fd, std::uint64_t begin, std::uint64_t size) {
  return std::make_unique<FileSource>(fd, begin, size);
}

Result<std::string> BlobSet::ReadSmall(const std::string& name, std::size_t limit) const {
  BOXLITE_ASSIGN_OR_RETURN(std::uint64_t size, Size(name));
  if (size > limit) {
    return Error(ErrorCode::kCorrupt, name + " has " + std::to_string(size) + " bytes; more than " +
                                          std::to_string(limit) + " are not taken");
  }
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, Open(name));
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    Result<std::size_t> count = source->Read(std::span(text).subspan(got));
    if (!count.ok()) return std::move(count).error().While("read " + name);
    if (*count == 0) return Error(ErrorCode::kCorrupt, name + " ends too early");
    got += *count;
  }
  return text;
}

}  // namespace boxlite

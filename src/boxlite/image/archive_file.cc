#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <vector>

#include "boxlite/copy/tar_reader.h"
#include "boxlite/image/blob_set.h"

namespace boxlite {
namespace {

// docker writes four members a layer; nothing has more than 512 layers, many images share an
// archive.
constexpr std::size_t kMaxMembers = 200'000;
constexpr std::size_t kMaxNameBytes = 64 * 1024 * 1024;  // of all
constexpr int kMaxLinks = 8;
constexpr std::size_t kChunk = 1024 * 1024;

// "./a//b/" -> "a/b"; ".." is kept and matches nothing that is asked for.
std::string Normalised(const std::string& name) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : name + "/") {
    if (c != '/') {
      part += c;
      continue;
    }
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    part.clear();
  }
  std::string out;
  for (const std::string& each : parts) out += (out.empty() ? "" : "/") + each;
  return out;
}

struct Member {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::string link;  // normalised; empty: a file
};

// Notes where each member's bytes are. Fed so that a header is never in one piece with what comes
// behind it: then the offset is known.
class Indexer final : public TarConsumer {
 public:
  Status Begin(const TarEntry& entry) override {
    data_follows_ = entry.kind == TarEntry::Kind::kFile ? entry.size : 0;
    Member member{offset_, data_follows_, ""};
    const std::string name = Normalised(entry.name);
    switch (entry.kind) {
      case TarEntry::Kind::kFile:
        break;
      case TarEntry::Kind::kHardLink:
        member.link = Normalised(entry.link);
        break;
      case TarEntry::Kind::kSymlink:
        // Relative to where it stands; docker's old archives share layers that way.
        member.link = Normalised(entry.link.starts_with('/')
                                     ? entry.link
                                     : name.substr(0, name.rfind('/') + 1) + entry.link);
        break;
      default:
        return {};
    }
    name_bytes_ += name.size() + member.link.size();
    if (members_.size() >= kMaxMembers || name_bytes_ > kMaxNameBytes) {
      return Error(ErrorCode::kResourceExhausted,
                   "the archive has more members than any archive of images");
    }
    // The last of one name counts, as tar extracts them.
    members_[name] = std::move(member);
    return {};
  }
  Status Data(std::string_view) override { return {}; }
  Status End() override { return {}; }

  void SetOffset(std::uint64_t offset) { offset_ = offset; }
  // Of the data and its padding that come next.
  std::uint64_t TakeFollowing() {
    const std::uint64_t size = data_follows_;
    data_follows_ = 0;
    return size == 0 ? 0 : size + TarPadding(size);
  }
  std::unordered_map<std::string, Member> TakeMembers() { return std::move(members_); }

 private:
  std::unordered_map<std::string, Member> members_;
  std::uint64_t offset_ = 0;
  std::uint64_t data_follows_ = 0;
  std::size_t name_bytes_ = 0;
};

class ArchiveFile final : public BlobSet {
 public:
  ArchiveFile(Fd file, std::unordered_map<std::string, Member> members)
      : file_(std::move(file)), members_(std::move(members)) {}

  Result<std::uint64_t> Size(const std::string& name) const override {
    BOXLITE_ASSIGN_OR_RETURN(const Member* member, Find(name));
    return member->size;
  }
  Result<std::unique_ptr<ByteSource>> Open(const std::string& name) const override {
    BOXLITE_ASSIGN_OR_RETURN(const Member* member, Find(name));
    return NewFileSource(file_.get(), member->begin, member->size);
  }

 private:
  Result<const Member*> Find(const std::string& name) const {
    std::string wanted = Normalised(name);
    for (int links = 0; links <= kMaxLinks; ++links) {
      const auto found = members_.find(wanted);
      if (found == members_.end()) break;
      if (found->second.link.empty()) return &found->second;
      wanted = found->second.link;
    }
    return Error(ErrorCode::kNotFound, "the archive has no file " + name);
  }

  Fd file_;
  std::unordered_map<std::string, Member> members_;
};

// Reads the headers. What stands between them is not read: its content says nothing of its place.
class Feeder {
 public:
  Feeder(int fd, std::uint64_t size, TarReader& reader)
      : fd_(fd), size_(size), reader_(reader), nothing_(kChunk, '\0') {}

  std::uint64_t offset() const { return offset_; }

  // false: the file has ended.
  Result<bool> FeedHeader() {
    char block[kTarBlock];
    ssize_t count;
    do {
      count = ::pread(fd_, block, sizeof block, static_cast<off_t>(offset_));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return ErrnoError("read the archive");
    offset_ += static_cast<std::uint64_t>(count);
    const std::string_view bytes(block, static_cast<std::size_t>(count));
    BOXLITE_RETURN_IF_ERROR(reader_.Feed(bytes));
    return bytes.size() == sizeof block;
  }

  Status Skip(std::uint64_t bytes) {
    if (bytes > size_ - std::min(size_, offset_)) {
      return Error(ErrorCode::kCorrupt, "the archive ends inside one of its files");
    }
    offset_ += bytes;
    for (std::uint64_t left = bytes; left > 0;) {
      const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, nothing_.size()));
      BOXLITE_RETURN_IF_ERROR(reader_.Feed(std::string_view(nothing_).substr(0, part)));
      left -= part;
    }
    return {};
  }

 private:
  int fd_;
  std::uint64_t size_;
  TarReader& reader_;
  const std::string nothing_;
  std::uint64_t offset_ = 0;
};

}  // namespace

Result<std::unique_ptr<BlobSet>> OpenArchive(Fd file) {
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return ErrnoError("look at the archive");
  Indexer indexer;
  TarReader reader(indexer);
  Feeder feeder(file.get(), static_cast<std::uint64_t>(info.st_size), reader);
  for (bool more = true; more;) {
    indexer.SetOffset(feeder.offset() + kTarBlock);
    BOXLITE_ASSIGN_OR_RETURN(more, feeder.FeedHeader());
    BOXLITE_RETURN_IF_ERROR(feeder.Skip(indexer.TakeFollowing()));
  }
  BOXLITE_RETURN_IF_ERROR(reader.Finish());
  return std::unique_ptr<BlobSet>(new ArchiveFile(std::move(file), indexer.TakeMembers()));
}

}  // namespace boxlite

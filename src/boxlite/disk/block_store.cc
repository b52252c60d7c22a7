#include "boxlite/disk/block_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace boxlite {
namespace {

// Small files are gathered up to this much: a call of the kernel for each would cost more than
// copying.
constexpr std::size_t kGather = 1 << 20;
// From here on bytes go to the file directly.
constexpr std::size_t kLarge = 64 * 1024;
// The host begins to write to its disk after so much: at the end there is less to wait for.
constexpr std::uint64_t kWriteBack = 16 << 20;
constexpr std::uint32_t kReserved = 1 + kDescriptorBlocks;

bool IsPowerOf(std::uint32_t number, std::uint32_t base) {
  while (number % base == 0) number /= base;
  return number == 1;
}

Status WriteAt(int fd, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return ErrnoError("write the base");
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

bool GroupHasSuperblock(std::uint32_t group) {
  return group <= 1 || IsPowerOf(group, 3) || IsPowerOf(group, 5) || IsPowerOf(group, 7);
}

BlockStore::BlockStore(int fd, std::uint64_t max_blocks)
    : fd_(fd), max_blocks_(std::min(max_blocks, kMaxBlocks)), next_(kReserved) {
  pending_.reserve(kGather + kLarge);
}

std::uint64_t BlockStore::SkipReserved(std::uint64_t block) const {
  const auto group = static_cast<std::uint32_t>(block / kGroupBlocks);
  const std::uint64_t start = std::uint64_t{group} * kGroupBlocks;
  if (block < start + kReserved && GroupHasSuperblock(group)) return start + kReserved;
  return block;
}

Result<Extent> BlockStore::Allocate(std::uint32_t wanted) {
  next_ = SkipReserved(next_);
  std::uint64_t end = next_ + wanted;
  for (std::uint64_t group = next_ / kGroupBlocks + 1; group * kGroupBlocks < end; ++group) {
    if (GroupHasSuperblock(static_cast<std::uint32_t>(group))) end = group * kGroupBlocks;
  }
  if (end > max_blocks_) {
    return Error(ErrorCode::kResourceExhausted,
                 "the image would take more than " +
                     std::to_string(max_blocks_ / (1 << 20) * kBlockBytes) + " MiB of disk");
  }
  Extent extent;
  extent.physical = static_cast<std::uint32_t>(next_);
  extent.count = static_cast<std::uint32_t>(end - next_);
  next_ = end;
  return extent;
}

Result<std::uint32_t> BlockStore::AllocateTogether(std::uint32_t count) {
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const Extent extent, Allocate(count));
    if (extent.count == count) return extent.physical;
  }
}

Status BlockStore::Write(std::uint64_t offset, std::string_view bytes) {
  const std::uint64_t end = pending_at_ + pending_.size();
  // A gap of less than a block is the unused rest of a file's last block.
  const bool follows = !pending_.empty() && offset >= end && offset - end < kBlockBytes;
  if (!follows || pending_.size() >= kGather || bytes.size() >= kLarge) {
    BOXLITE_RETURN_IF_ERROR(Flush());
    if (bytes.size() >= kLarge) {
      written_ += bytes.size();
      return WriteAt(fd_, offset, bytes);
    }
    pending_at_ = offset;
  } else {
    pending_.append(static_cast<std::size_t>(offset - end), '\0');
  }
  pending_ += bytes;
  return {};
}

Status BlockStore::Flush() {
  BOXLITE_RETURN_IF_ERROR(WriteAt(fd_, pending_at_, pending_));
  written_ += pending_.size();
  pending_.clear();
  if (written_ >= kWriteBack) {
    // A hint: what goes wrong is told by the fsync at the end.
    static_cast<void>(::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE));
    written_ = 0;
  }
  return {};
}

Status BlockStore::Discard(const Extent& extent) {
  BOXLITE_RETURN_IF_ERROR(Flush());
  const auto offset = static_cast<off_t>(extent.physical) * kBlockBytes;
  const auto size = static_cast<off_t>(extent.count) * kBlockBytes;
  if (::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) == 0) return {};
  if (errno != EOPNOTSUPP) return ErrnoError("free room in the base");
  // A filesystem without holes: what was removed must not be found in the base all the same.
  const std::string zeros(kGather, '\0');
  for (off_t done = 0; done < size; done += static_cast<off_t>(zeros.size())) {
    const auto count = std::min<off_t>(size - done, static_cast<off_t>(zeros.size()));
    BOXLITE_RETURN_IF_ERROR(
        WriteAt(fd_, static_cast<std::uint64_t>(offset + done),
                std::string_view(zeros).substr(0, static_cast<std::size_t>(count))));
  }
  return {};
}

// Blocks for the file's blocks first..last.
Status ContentWriter::Cover(std::uint32_t first, std::uint32_t last) {
  std::vector<Extent>& extents = tree_.GetInode(inode_).extents;
  if (!extents.empty()) first = std::max(first, extents.back().logical + extents.back().count);
  const std::size_t before = extents.size();
  while (first <= last) {
    BOXLITE_ASSIGN_OR_RETURN(Extent extent, store_.Allocate(last - first + 1));
    extent.logical = first;
    first += extent.count;
    Extent* previous = extents.empty() ? nullptr : &extents.back();
    if (previous != nullptr && previous->logical + previous->count == extent.logical &&
        previous->physical + previous->count == extent.physical) {
      previous->count += extent.count;
    } else {
      extents.push_back(extent);
    }
  }
  return tree_.CountExtents(extents.size() - before);
}

Status ContentWriter::Write(std::uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return {};
  const std::uint64_t size = tree_.GetInode(inode_).size;
  if (offset < end_ || offset > size || bytes.size() > size - offset) {
    return Error(ErrorCode::kCorrupt, "its size or its map of holes is wrong");
  }
  end_ = offset + bytes.size();
  BOXLITE_RETURN_IF_ERROR(Cover(static_cast<std::uint32_t>(offset / kBlockBytes),
                                static_cast<std::uint32_t>((end_ - 1) / kBlockBytes)));
  const std::vector<Extent>& extents = tree_.GetInode(inode_).extents;
  auto extent = extents.end();
  while (std::uint64_t{std::prev(extent)->logical} * kBlockBytes > offset) --extent;
  for (--extent; !bytes.empty(); ++extent) {
    const std::uint64_t begin = std::uint64_t{extent->logical} * kBlockBytes;
    const std::uint64_t room = begin + std::uint64_t{extent->count} * kBlockBytes - offset;
    const std::string_view part = bytes.substr(0, std::min<std::uint64_t>(room, bytes.size()));
    BOXLITE_RETURN_IF_ERROR(
        store_.Write(std::uint64_t{extent->physical} * kBlockBytes + (offset - begin), part));
    bytes.remove_prefix(part.size());
    offset += part.size();
  }
  return {};
}

}  // namespace boxlite

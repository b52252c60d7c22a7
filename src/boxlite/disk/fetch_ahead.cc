#include "boxlite/disk/fetch_ahead.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "boxlite/base/files.h"

namespace boxlite {
namespace {

constexpr std::size_t kPiece = 128 * 1024;
constexpr std::size_t kMemory = 2 << 20;

Result<Fd> MakeUnlinkedFile(int dir_fd) {
  Fd fd(::openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd.valid()) return fd;
  // Not every filesystem has O_TMPFILE.
  const std::string name = ".fetch-" + RandomHex(8);
  fd.Reset(::openat(dir_fd, name.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoError("make a file for a layer's bytes");
  if (::unlinkat(dir_fd, name.c_str(), 0) != 0) return ErrnoError("unlink " + name);
  return fd;
}

}  // namespace

FetchAhead::FetchAhead(std::unique_ptr<ByteSource> source, int dir_fd)
    : source_(std::move(source)), dir_fd_(dir_fd), thread_([this] { Fetch(); }) {}

FetchAhead::~FetchAhead() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  thread_.join();
}

void FetchAhead::Fetch() {
  for (;;) {
    std::string bytes(kPiece, '\0');
    Result<std::size_t> got = source_->Read(bytes);
    const bool at_end = got.ok() && *got == 0;
    Status kept;
    if (got.ok() && !at_end) {
      bytes.resize(*got);
      kept = Keep(std::move(bytes));
    }
    const std::lock_guard lock(mutex_);
    if (!got.ok()) error_.emplace(std::move(got).error());
    if (!kept.ok()) error_.emplace(std::move(kept).error());
    ended_ = error_.has_value() || at_end;
    changed_.notify_one();
    if (ended_ || cancelled_) return;
  }
}

Status FetchAhead::Keep(std::string bytes) {
  {
    const std::lock_guard lock(mutex_);
    // In order: what follows bytes in the file goes there too.
    if (spill_begin_ == spill_end_ && memory_bytes_ + bytes.size() <= kMemory) {
      memory_bytes_ += bytes.size();
      memory_.push_back(std::move(bytes));
      return {};
    }
  }
  return Spill(bytes);
}

Status FetchAhead::Spill(std::string_view bytes) {
  if (!spill_.valid()) {
    BOXLITE_ASSIGN_OR_RETURN(spill_, MakeUnlinkedFile(dir_fd_));
  }
  std::uint64_t at = 0;
  {
    const std::lock_guard lock(mutex_);
    // Everything was taken: begin the file anew, so that it need not hold a whole layer.
    if (spill_begin_ == spill_end_) spill_begin_ = spill_end_ = 0;
    at = spill_end_;
  }
  if (at == 0 && ::ftruncate(spill_.get(), 0) != 0) return ErrnoError("a layer's bytes");
  const std::size_t size = bytes.size();
  for (std::uint64_t to = at; !bytes.empty();) {
    const ssize_t count =
        ::pwrite(spill_.get(), bytes.data(), bytes.size(), static_cast<off_t>(to));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return ErrnoError("keep a layer's bytes");
    to += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  const std::lock_guard lock(mutex_);
  spill_end_ = at + size;
  return {};
}

Result<std::size_t> FetchAhead::Read(std::span<char> room) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !memory_.empty() || spill_begin_ != spill_end_ || ended_; });
  if (!memory_.empty()) {
    const std::string& front = memory_.front();
    const std::size_t count = std::min(room.size(), front.size() - front_taken_);
    std::memcpy(room.data(), front.data() + front_taken_, count);
    front_taken_ += count;
    if (front_taken_ == front.size()) {
      memory_bytes_ -= front.size();
      memory_.pop_front();
      front_taken_ = 0;
    }
    return count;
  }
  if (spill_begin_ != spill_end_) {
    const std::uint64_t from = spill_begin_;
    const std::uint64_t count = spill_end_ - from;
    lock.unlock();  // the thread writes behind these bytes only
    return ReadSpilled(room, from, count);
  }
  if (error_) return *error_;
  return std::size_t{0};
}

Result<std::size_t> FetchAhead::ReadSpilled(std::span<char> room, std::uint64_t from,
                                            std::uint64_t count) {
  const std::size_t wanted = std::min<std::uint64_t>(room.size(), count);
  ssize_t got = 0;
  do {
    got = ::pread(spill_.get(), room.data(), wanted, static_cast<off_t>(from));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return ErrnoError("read a layer's bytes back", got == 0 ? EIO : errno);
  const std::lock_guard lock(mutex_);
  spill_begin_ += static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

}  // namespace boxlite

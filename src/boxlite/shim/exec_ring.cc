#include "boxlite/shim/exec_ring.h"

#include <algorithm>
#include <cstring>

namespace boxlite {
namespace {

// Most execs say a line or two.
constexpr std::size_t kFirstStore = 1024;

}  // namespace

std::size_t ExecRing::Fitting(std::size_t bytes) const {
  if (bytes == 0) return 0;
  std::size_t store = std::min(kFirstStore, capacity_);
  while (store < bytes && store < capacity_) store = std::min(store * 2, capacity_);
  return store;
}

std::size_t ExecRing::GrowthFor(std::size_t count) const {
  const std::size_t store = Fitting(size_ + count);
  return store > store_.size() ? store - store_.size() : 0;
}

void ExecRing::Append(kj::ArrayPtr<const kj::byte> bytes) {
  if (GrowthFor(bytes.size()) > 0) Move(Fitting(size_ + bytes.size()));
  Put(bytes);
}

void ExecRing::AppendWithoutGrowing(kj::ArrayPtr<const kj::byte> bytes) { Put(bytes); }

void ExecRing::Put(kj::ArrayPtr<const kj::byte> bytes) {
  const std::size_t store = store_.size();
  if (bytes.size() == 0) return;
  if (bytes.size() > store) {
    // Nothing of what was there is kept, and not all of this either.
    begin_ = end() + (bytes.size() - store);
    size_ = 0;
    head_ = 0;
    bytes = bytes.slice(bytes.size() - store, bytes.size());
  }
  const std::size_t total = size_ + bytes.size();
  if (total > store) {
    const std::size_t gone = total - store;
    begin_ += gone;
    head_ = (head_ + gone) % store;
    size_ -= gone;
  }
  const std::size_t at = (head_ + size_) % store;
  const std::size_t first = std::min(bytes.size(), store - at);
  std::memcpy(store_.begin() + at, bytes.begin(), first);
  std::memcpy(store_.begin(), bytes.begin() + first, bytes.size() - first);
  size_ += bytes.size();
}

kj::ArrayPtr<const kj::byte> ExecRing::Peek(std::uint64_t offset) const {
  if (offset < begin_ || offset >= end()) return nullptr;
  const std::size_t skip = static_cast<std::size_t>(offset - begin_);
  const std::size_t at = (head_ + skip) % store_.size();
  const std::size_t count = std::min(size_ - skip, store_.size() - at);
  return store_.slice(at, at + count);
}

void ExecRing::DropBefore(std::uint64_t offset) {
  const std::uint64_t to = std::clamp(offset, begin_, end());
  const std::size_t gone = static_cast<std::size_t>(to - begin_);
  if (gone > 0) {
    begin_ = to;
    head_ = (head_ + gone) % store_.size();
    size_ -= gone;
  }
  if (const std::size_t store = Fitting(size_); store < store_.size()) Move(store);
}

void ExecRing::Move(std::size_t new_size) {
  kj::Array<kj::byte> store = kj::heapArray<kj::byte>(new_size);
  std::size_t done = 0;
  while (done < size_) {
    const kj::ArrayPtr<const kj::byte> piece = Peek(begin_ + done);
    std::memcpy(store.begin() + done, piece.begin(), piece.size());
    done += piece.size();
  }
  store_ = kj::mv(store);
  head_ = 0;
}

}  // namespace boxlite

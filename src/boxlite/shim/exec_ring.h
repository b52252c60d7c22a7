// ExecRing: the newest bytes of one stream, each known by its offset in the whole stream. Pure.
#pragma once

#include <kj/array.h>

#include <cstdint>

namespace boxlite {

class ExecRing {
 public:
  // Never keeps more than `capacity` bytes. Has no memory until the first byte comes.
  explicit ExecRing(std::size_t capacity) : capacity_(capacity) {}

  std::uint64_t begin() const { return begin_; }        // the oldest byte kept
  std::uint64_t end() const { return begin_ + size_; }  // one behind the newest
  std::size_t capacity() const { return capacity_; }
  std::size_t allocated() const { return store_.size(); }
  // What Append(count) would allocate beyond allocated().
  std::size_t GrowthFor(std::size_t count) const;

  // Keeps the newest bytes; older ones go where there is no room.
  void Append(kj::ArrayPtr<const kj::byte> bytes);
  // The same within the memory it has, of which there must be some.
  void AppendWithoutGrowing(kj::ArrayPtr<const kj::byte> bytes);
  // Kept bytes from `offset` on, as many as lie in one piece; empty at the end. Valid until the
  // next change.
  kj::ArrayPtr<const kj::byte> Peek(std::uint64_t offset) const;
  // Forgets what lies before `offset` (at most all) and gives back the memory that is not needed.
  void DropBefore(std::uint64_t offset);

 private:
  std::size_t Fitting(std::size_t bytes) const;  // the size of store that this many bytes get
  void Move(std::size_t new_size);
  void Put(kj::ArrayPtr<const kj::byte> bytes);

  std::size_t capacity_;
  kj::Array<kj::byte> store_;
  std::uint64_t begin_ = 0;
  std::size_t size_ = 0;
  std::size_t head_ = 0;  // where begin_ lies in store_
};

}  // namespace boxlite

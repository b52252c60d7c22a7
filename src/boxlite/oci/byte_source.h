// ByteSource: bytes that come one after the other, from a file, a registry or a decompressor.
#pragma once

#include <cstddef>
#include <span>

#include "boxlite/base/result.h"

namespace boxlite {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Blocks until at least one byte is there. Returns how many were put at the beginning of `room`
  // (which is not empty); 0: the end, and at every later call too. After an error the source may
  // only be destroyed.
  virtual Result<std::size_t> Read(std::span<char> room) = 0;
};

}  // namespace boxlite

// One member of a tar stream, as read and as written. Names are bytes, as the kernel sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace boxlite {

inline constexpr std::size_t kTarBlock = 512;

struct TarEntry {
  enum class Kind { kFile, kDirectory, kSymlink, kHardLink, kCharacterDevice, kBlockDevice, kFifo };
  Kind kind = Kind::kFile;
  std::string name;
  std::string link;        // of symbolic and hard links
  std::uint32_t mode = 0;  // the twelve bits of chmod
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;  // kFile: the bytes that follow; else 0
  std::int64_t mtime_s = 0;
  std::uint32_t mtime_ns = 0;  // read only: written streams have whole seconds, as docker's
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
};

// Bytes of padding behind `size` bytes of content.
inline std::size_t TarPadding(std::uint64_t size) {
  return static_cast<std::size_t>((kTarBlock - size % kTarBlock) % kTarBlock);
}

}  // namespace boxlite

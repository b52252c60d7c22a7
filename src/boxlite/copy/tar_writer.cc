#include "boxlite/copy/tar_writer.h"

#include <array>
#include <cstring>
#include <string_view>

namespace boxlite {
namespace {

// POSIX ustar: where each field begins, and how long it is.
struct Field {
  std::size_t offset;
  std::size_t size;
};
constexpr Field kName = {0, 100}, kMode = {100, 8}, kUid = {108, 8}, kGid = {116, 8},
                kSize = {124, 12}, kMtime = {136, 12}, kChecksum = {148, 8}, kLink = {157, 100},
                kMajor = {329, 8}, kMinor = {337, 8}, kPrefix = {345, 155};
constexpr std::size_t kTypeOffset = 156;
constexpr std::size_t kMagicOffset = 257;

using Block = std::array<char, kTarBlock>;

void Put(Block& block, Field field, std::string_view text) {
  std::memcpy(block.data() + field.offset, text.data(), std::min(text.size(), field.size));
}

// Octal digits and a NUL; false: the number needs a pax record.
bool PutNumber(Block& block, Field field, std::uint64_t value) {
  char* at = block.data() + field.offset + field.size - 1;
  for (std::size_t digit = 0; digit + 1 < field.size; ++digit, value >>= 3) {
    *--at = static_cast<char>('0' + (value & 7));
  }
  return value == 0;
}

// A long name may be cut at a '/' into a prefix of 155 and a rest of 100 bytes.
bool PutName(Block& block, const std::string& name) {
  if (name.size() <= kName.size) {
    Put(block, kName, name);
    return true;
  }
  const std::size_t slash = name.rfind('/', kPrefix.size);
  if (slash == std::string::npos || slash == 0 || name.size() - slash - 1 > kName.size ||
      slash + 1 == name.size()) {
    Put(block, kName, name);
    return false;
  }
  Put(block, kPrefix, std::string_view(name).substr(0, slash));
  Put(block, kName, std::string_view(name).substr(slash + 1));
  return true;
}

char TypeOf(TarEntry::Kind kind) {
  switch (kind) {
    case TarEntry::Kind::kFile:
      return '0';
    case TarEntry::Kind::kHardLink:
      return '1';
    case TarEntry::Kind::kSymlink:
      return '2';
    case TarEntry::Kind::kCharacterDevice:
      return '3';
    case TarEntry::Kind::kBlockDevice:
      return '4';
    case TarEntry::Kind::kDirectory:
      return '5';
    case TarEntry::Kind::kFifo:
      return '6';
  }
  return '0';
}

void Seal(Block& block, char type) {
  block[kTypeOffset] = type;
  std::memcpy(block.data() + kMagicOffset,
              "ustar\0"
              "00",
              8);
  std::memset(block.data() + kChecksum.offset, ' ', kChecksum.size);
  std::uint32_t sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  PutNumber(block, {kChecksum.offset, kChecksum.size - 1}, sum);
}

// "LENGTH KEY=VALUE\n", where the length counts itself.
std::string PaxRecord(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + std::to_string(rest).size();
  length = rest + std::to_string(length).size();
  return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

std::string PaxHeader(const std::string& records) {
  Block block = {};
  Put(block, kName, "PaxHeaders/entry");
  PutNumber(block, kMode, 0644);
  PutNumber(block, kUid, 0);
  PutNumber(block, kGid, 0);
  PutNumber(block, kSize, records.size());
  PutNumber(block, kMtime, 0);
  Seal(block, 'x');
  return std::string(block.data(), block.size()) + records +
         std::string(TarPadding(records.size()), '\0');
}

}  // namespace

std::string EncodeTarHeader(const TarEntry& entry) {
  Block block = {};
  std::string pax;
  std::string name = entry.name;
  if (entry.kind == TarEntry::Kind::kDirectory && !name.ends_with('/')) name += '/';
  if (!PutName(block, name)) pax += PaxRecord("path", name);
  Put(block, kLink, entry.link);
  if (entry.link.size() > kLink.size) pax += PaxRecord("linkpath", entry.link);
  PutNumber(block, kMode, entry.mode & 07777);
  if (!PutNumber(block, kUid, entry.uid)) pax += PaxRecord("uid", std::to_string(entry.uid));
  if (!PutNumber(block, kGid, entry.gid)) pax += PaxRecord("gid", std::to_string(entry.gid));
  if (!PutNumber(block, kSize, entry.size)) pax += PaxRecord("size", std::to_string(entry.size));
  const bool before_1970 = entry.mtime_s < 0;
  const auto mtime = before_1970 ? 0 : static_cast<std::uint64_t>(entry.mtime_s);
  if (!PutNumber(block, kMtime, mtime) || before_1970) {
    pax += PaxRecord("mtime", std::to_string(entry.mtime_s));
  }
  PutNumber(block, kMajor, entry.device_major);
  PutNumber(block, kMinor, entry.device_minor);
  Seal(block, TypeOf(entry.kind));
  std::string header = pax.empty() ? "" : PaxHeader(pax);
  header.append(block.data(), block.size());
  return header;
}

std::string EncodeTarEnd() { return std::string(2 * kTarBlock, '\0'); }

}  // namespace boxlite

#include "boxlite/disk/posix_acl.h"

#include <optional>

namespace boxlite {
namespace {

// linux/posix_acl_xattr.h: a version, then tag, permissions and id of each entry, little endian.
constexpr std::size_t kHeader = 4;
constexpr std::size_t kEntry = 8;
constexpr std::uint32_t kVersion = 2;
enum Tag : std::uint32_t {
  kUserObject = 1,
  kUser = 2,
  kGroupObject = 4,
  kGroup = 8,
  kMask = 16,
  kOther = 32
};

std::uint32_t Number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = size; i-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

}  // namespace

Result<AclEffect> ReadAcl(std::string_view value) {
  const Error malformed(ErrorCode::kCorrupt, "its access control list is malformed");
  if (value.size() < kHeader || (value.size() - kHeader) % kEntry != 0 ||
      Number(value, 0, 4) != kVersion) {
    return malformed;
  }
  std::optional<std::uint32_t> user, group, mask, other;
  bool named = false;
  for (std::size_t at = kHeader; at < value.size(); at += kEntry) {
    const std::uint32_t permissions = Number(value, at + 2, 2);
    if (permissions > 7) return malformed;
    std::optional<std::uint32_t>* single = nullptr;
    switch (Number(value, at, 2)) {
      case kUserObject:
        single = &user;
        break;
      case kGroupObject:
        single = &group;
        break;
      case kMask:
        single = &mask;
        break;
      case kOther:
        single = &other;
        break;
      case kUser:
      case kGroup:
        named = true;
        continue;
      default:
        return malformed;
    }
    if (single->has_value()) return malformed;
    *single = permissions;
  }
  if (!user || !group || !other || (named && !mask)) return malformed;
  AclEffect effect;
  effect.permissions = *user << 6 | (mask ? *mask : *group) << 3 | *other;
  effect.minimal = !named && !mask;
  return effect;
}

}  // namespace boxlite

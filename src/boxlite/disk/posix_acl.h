// POSIX ACLs as they stand in the value of an extended attribute, and what setting one does to a
// file's mode.
#pragma once

#include <cstdint>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite {

inline constexpr std::string_view kAccessAcl = "system.posix_acl_access";
inline constexpr std::string_view kDefaultAcl = "system.posix_acl_default";

struct AclEffect {
  std::uint32_t permissions = 0;  // nine bits: what the kernel makes of the file's
  bool minimal = false;           // says no more than a mode does: the kernel keeps no ACL
};

// kCorrupt: the kernel would refuse it.
Result<AclEffect> ReadAcl(std::string_view value);

}  // namespace boxlite

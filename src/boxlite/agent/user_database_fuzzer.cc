// Any bytes as /etc/passwd, /etc/group and the user: an identity or an error, never a crash, and
// never ids that the kernel reads as "leave unchanged".
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "boxlite/agent/user_database.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t first = text.find('\1');
  const std::string_view user = text.substr(0, first);
  const std::string_view files = first == text.npos ? "" : text.substr(first + 1);
  const std::size_t second = files.find('\1');
  const std::string_view group = second == files.npos ? "" : files.substr(second + 1);
  const auto identity = boxlite::ResolveUser(user, files.substr(0, second), group);
  if (!identity.ok()) return 0;
  if (identity->uid > 0x7fffffff || identity->gid > 0x7fffffff) std::abort();
  if (identity->supplementary.size() > boxlite::kMaxSupplementaryGroups) std::abort();
  return 0;
}

// /proc/<pid>/stat: a process names itself anything, and the name stands before all that counts.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "boxlite/base/process_identity.h"

namespace boxlite {
namespace {

void Fuzz(std::string_view text) {
  static_cast<void>(ParseProcessStat(text).ok());
  // As a name it must not change what stands behind it.
  const std::string line =
      "42 (" + std::string(text) + ") R 7 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 123456 10 20\n";
  Result<ProcessStat> stat = ParseProcessStat(line);
  BOXLITE_CHECK(stat.ok() && stat->state == 'R' && stat->parent == 7 &&
                stat->start_ticks == 123456);
}

}  // namespace
}  // namespace boxlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  boxlite::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}

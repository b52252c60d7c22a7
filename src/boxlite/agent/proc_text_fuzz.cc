// /proc/<pid>/status and cmdline: names and arguments are a process's own.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "boxlite/agent/proc_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const boxlite::Result<boxlite::StatusFacts> facts = boxlite::ParseProcessStatus(text);
  BOXLITE_CHECK(!facts.ok() || facts->box_pid >= 0);
  BOXLITE_CHECK(boxlite::CommandOf(text).find('\0') == std::string::npos);
  static_cast<void>(boxlite::TrafficOf(text, "vda"));
  // As a name, which the kernel writes without newlines, it changes nothing behind it.
  if (text.find('\n') != std::string_view::npos) return 0;
  const auto named = boxlite::ParseProcessStatus("Name:\t" + std::string(text) +
                                                 "\nUid:\t0\t7\t0\t0\nNSpid:\t300\t17\n");
  BOXLITE_CHECK(named.ok() && named->effective_uid == 7 && named->box_pid == 17);
  return 0;
}

#include "boxlite/agent/console.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace boxlite {
namespace {

constexpr char kConsoleDevice[] = "/dev/hvc0";
// A console that never appears must not collect lines for ever.
constexpr std::size_t kMaxWaitingBytes = 16 * 1024;

// Since the machine's start, as the kernel stamps its own lines.
std::string Stamp() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  char text[32];
  std::snprintf(text, sizeof text, "[%5d.%03d] ", static_cast<int>(now.tv_sec),
                static_cast<int>(now.tv_nsec / 1'000'000));
  return text;
}

}  // namespace

void Say(std::string_view line) {
  static int console = -1;
  static std::string waiting;  // one thread: no lock
  if (waiting.size() < kMaxWaitingBytes) {
    waiting.append(Stamp()).append("boxlite-guest: ").append(line).append("\r\n");
  }
  if (console < 0) console = ::open(kConsoleDevice, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (console < 0) return;
  static_cast<void>(!::write(console, waiting.data(), waiting.size()));
  waiting.clear();
}

}  // namespace boxlite

#include "boxlite/agent/personality.h"

#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <vector>

#include "boxlite/base/fd.h"

namespace boxlite {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

Status Seed(std::span<const std::uint8_t> entropy) {
  Fd random(::open("/dev/random", O_RDWR | O_CLOEXEC));
  if (!random.valid()) return ErrnoError("open /dev/random");
  // struct rand_pool_info: two ints and the bytes.
  const std::size_t header = sizeof(rand_pool_info);
  std::vector<int> buffer((header + entropy.size() + sizeof(int) - 1) / sizeof(int));
  buffer[0] = static_cast<int>(entropy.size() * CHAR_BIT);
  buffer[1] = static_cast<int>(entropy.size());
  std::memcpy(buffer.data() + 2, entropy.data(), entropy.size());
  if (::ioctl(random.get(), RNDADDENTROPY, buffer.data()) != 0) return ErrnoError("add entropy");
  // Without this the generator would go on with the key that every copy of this machine has.
  if (::ioctl(random.get(), RNDRESEEDCRNG) != 0) return ErrnoError("reseed the generator");
  return {};
}

}  // namespace

Status ApplyPersonality(const PersonalityFacts& facts) {
  if (facts.entropy.size() < kMinEntropyBytes || facts.entropy.size() > kMaxEntropyBytes) {
    return Error(ErrorCode::kInvalidArgument, "entropy of 32 to 4096 bytes is needed");
  }
  if (facts.wall_clock_ns <= 0) {
    return Error(ErrorCode::kInvalidArgument, "a time after 1970 is needed");
  }
  if (facts.hostname.empty() || facts.hostname.size() > HOST_NAME_MAX) {
    return Error(ErrorCode::kInvalidArgument, "a hostname of 1 to 64 bytes is needed");
  }
  BOXLITE_RETURN_IF_ERROR(Seed(facts.entropy));
  const timespec now = {facts.wall_clock_ns / kNsPerSecond, facts.wall_clock_ns % kNsPerSecond};
  if (::clock_settime(CLOCK_REALTIME, &now) != 0) return ErrnoError("set the clock");
  if (::sethostname(facts.hostname.data(), facts.hostname.size()) != 0) {
    return ErrnoError("set the hostname");
  }
  return {};
}

}  // namespace boxlite

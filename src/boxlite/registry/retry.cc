#include "boxlite/registry/retry.h"

#include <curl/curl.h>
#include <poll.h>

#include <algorithm>
#include <random>

#include "boxlite/base/interrupt.h"

namespace boxlite {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kLongestWish = 365 * 24 * 3600;

bool MayPass(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout ||
         code == ErrorCode::kResourceExhausted;
}

// Many clients that were refused together should not come back together.
milliseconds Jittered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto most = static_cast<int>(pause.count());
  return milliseconds(std::uniform_int_distribution<int>(most / 2, most)(random));
}

}  // namespace

std::optional<seconds> ParseRetryAfter(const std::string& value, std::int64_t now_unix) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!value.empty() && std::ranges::all_of(value, is_digit)) {
    if (value.size() > 9) return seconds(kLongestWish);
    return seconds(std::min<std::int64_t>(std::stol(value), kLongestWish));
  }
  // RFC 9110: a date in GMT.
  if (!value.ends_with("GMT")) return std::nullopt;
  const time_t then = curl_getdate(value.c_str(), nullptr);
  if (then < 0) return std::nullopt;
  return seconds(std::clamp<std::int64_t>(then - now_unix, 0, kLongestWish));
}

bool Retry::Again(const Error& error) {
  const std::optional<seconds> wish = std::exchange(wish_, std::nullopt);
  if (!MayPass(error.code()) || Interrupted()) return false;
  if (++made_ >= patience_.attempts) return false;
  milliseconds pause =
      std::min(patience_.first_pause * (1 << std::min(made_ - 1, 16)), patience_.longest_pause);
  pause = Jittered(pause);
  if (wish) {
    if (*wish > patience_.longest_pause) return false;
    pause = std::max<milliseconds>(pause, *wish);
  }
  // The pause is the point here; an interrupt ends it.
  pollfd interrupt = {CurrentInterrupt(), POLLIN, 0};
  ::poll(&interrupt, 1, static_cast<int>(pause.count()));
  return !Interrupted();
}

}  // namespace boxlite

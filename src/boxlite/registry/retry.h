// Retry: how often something is tried, and the pauses between.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/registry/client.h"

namespace boxlite {

// Retry-After: seconds, or a date (which counts from `now_unix`); nullopt for anything else. Pure.
std::optional<std::chrono::seconds> ParseRetryAfter(const std::string& value,
                                                    std::int64_t now_unix);

class Retry {
 public:
  explicit Retry(const Patience& patience) : patience_(patience) {}

  // The peer says how long it wants to be left alone; holds for the next pause.
  void Wish(std::chrono::seconds wish) { wish_ = wish; }
  // There was progress: all attempts are there again.
  void Gain() { made_ = 0; }
  // Whether to try again after `error`; if so, the pause has passed when it returns. Not for errors
  // that stay, nor after the last attempt, nor where the peer wants more than the longest pause.
  bool Again(const Error& error);

 private:
  Patience patience_;
  int made_ = 0;
  std::optional<std::chrono::seconds> wish_;
};

}  // namespace boxlite

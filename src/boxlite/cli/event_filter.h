// --filter KIND=VALUE of events: as in box_filter.h. Pure.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/runtime/events.h"

namespace boxlite::cli {

// container is docker's word for box.
inline constexpr std::array<std::string_view, 6> kEventFilters = {"box",   "container", "event",
                                                                  "image", "label",     "type"};

class EventFilter {
 public:
  static Result<EventFilter> Parse(const std::vector<std::string>& words);
  bool Matches(const BoxEvent& event) const;

 private:
  std::vector<std::string> boxes_;  // names, ids or begins of ids
  std::set<std::string> kinds_;
  std::vector<std::string> images_;
  std::vector<std::string> labels_;
};

}  // namespace boxlite::cli

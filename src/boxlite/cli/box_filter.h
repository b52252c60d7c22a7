// --filter KIND=VALUE of ls and prune, as docker means it: a box must satisfy every kind that is
// given, and of one kind any value; but all values of label. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

inline constexpr std::array<std::string_view, 9> kListFilters = {
    "status", "name", "id", "label", "image", "ancestor", "exited", "before", "since"};
inline constexpr std::array<std::string_view, 3> kPruneFilters = {"label", "label!", "until"};

// "KIND=VALUE" apart. kInvalidArgument lists the kinds that are known.
Result<std::pair<std::string, std::string>> SplitFilter(const std::string& word,
                                                        std::span<const std::string_view> known);
// Whether a box with these labels has KEY, or KEY=VALUE.
bool HasLabel(const std::map<std::string, std::string>& labels, const std::string& wanted);

class BoxFilter {
 public:
  // `now_ns`: what an age in until= counts from.
  static Result<BoxFilter> Parse(const std::vector<std::string>& words,
                                 std::span<const std::string_view> known, std::int64_t now_ns);

  // Whether it speaks of boxes that do not run.
  bool NamesEnded() const { return !states_.empty() || !exit_codes_.empty(); }

  // Puts the time of their creation in the place of the boxes that before= and since= name.
  using CreatedNs = std::function<Result<std::int64_t>(const std::string& reference)>;
  Status Resolve(const CreatedNs& created_ns);

  // After Resolve().
  bool Matches(const BoxInfo& box) const;

 private:
  Status Add(const std::string& kind, const std::string& value, std::int64_t now_ns);
  bool MatchesSpec(const BoxSpec& spec) const;

  std::set<BoxState> states_;
  std::set<int> exit_codes_;
  std::vector<std::string> names_;
  std::vector<std::string> ids_;
  std::vector<std::string> labels_;
  std::vector<std::string> absent_labels_;
  std::vector<std::string> images_;
  std::vector<std::string> before_;
  std::vector<std::string> since_;
  // Created before any of these, since any of those.
  std::optional<std::int64_t> before_ns_;
  std::optional<std::int64_t> since_ns_;
  std::optional<std::int64_t> until_ns_;
};

}  // namespace boxlite::cli

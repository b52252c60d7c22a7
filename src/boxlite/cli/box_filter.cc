#include "boxlite/cli/box_filter.h"

#include <algorithm>

#include "boxlite/cli/box_view.h"
#include "boxlite/cli/instant.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr std::uint64_t kLargestExitCode = 255;

Error Invalid(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

struct StateWord {
  std::string_view word;
  std::vector<BoxState> states;
};

// Our words, and docker's for what is the same.
const std::vector<StateWord>& StateWords() {
  using enum BoxState;
  static const std::vector<StateWord> kWords = {
      {"configured", {kConfigured}}, {"starting", {kStarting}},      {"running", {kRunning}},
      {"stopping", {kStopping}},     {"stopped", {kStopped}},        {"failed", {kFailed}},
      {"created", {kConfigured}},    {"exited", {kStopped, kFailed}}};
  return kWords;
}

Result<std::vector<BoxState>> ParseState(const std::string& value) {
  std::string known;
  for (const StateWord& word : StateWords()) {
    if (word.word == value) return word.states;
    known += (known.empty() ? "" : ", ") + std::string(word.word);
  }
  return Invalid("there is no status '" + value + "'; there are: " + known);
}

// docker takes an expression; a part of the name, bound to its ends, is what people use of it.
bool MatchesName(std::string_view name, std::string_view pattern) {
  const bool from_begin = pattern.starts_with('^');
  if (from_begin) pattern.remove_prefix(1);
  if (pattern.starts_with('/')) pattern.remove_prefix(1);  // as docker's names are written inside
  const bool to_end = pattern.ends_with('$');
  if (to_end) pattern.remove_suffix(1);
  if (from_begin && to_end) return name == pattern;
  if (from_begin) return name.starts_with(pattern);
  if (to_end) return name.ends_with(pattern);
  return name.find(pattern) != std::string_view::npos;
}

bool MatchesImage(const BoxSpec& spec, const std::string& wanted) {
  constexpr std::string_view kLatest = ":latest";
  return spec.image == wanted || spec.image_digest == wanted ||
         spec.image == wanted + std::string(kLatest) || spec.image + std::string(kLatest) == wanted;
}

template <typename Match>
bool AnyOf(const std::vector<std::string>& values, Match match) {
  return values.empty() || std::any_of(values.begin(), values.end(), match);
}

}  // namespace

Result<std::pair<std::string, std::string>> SplitFilter(const std::string& word,
                                                        std::span<const std::string_view> known) {
  const std::size_t equals = word.find('=');
  const std::string kind = word.substr(0, equals);
  if (std::find(known.begin(), known.end(), kind) == known.end()) {
    std::string names;
    for (const std::string_view name : known) {
      names += (names.empty() ? "" : ", ") + std::string(name) + "=";
    }
    return Invalid("there is no filter '" + kind + "'; there are: " + names);
  }
  if (equals == std::string::npos || equals + 1 == word.size()) {
    return Invalid("the filter " + kind + " needs a value: " + kind + "=...");
  }
  return std::pair(kind, word.substr(equals + 1));
}

bool HasLabel(const std::map<std::string, std::string>& labels, const std::string& wanted) {
  const std::size_t equals = wanted.find('=');
  const auto label = labels.find(wanted.substr(0, equals));
  if (label == labels.end()) return false;
  return equals == std::string::npos || label->second == wanted.substr(equals + 1);
}

Status BoxFilter::Add(const std::string& kind, const std::string& value, std::int64_t now_ns) {
  if (kind == "status") {
    BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxState> states, ParseState(value));
    states_.insert(states.begin(), states.end());
  } else if (kind == "exited") {
    BOXLITE_ASSIGN_OR_RETURN(std::uint64_t code, ParseNumber(value, kLargestExitCode));
    exit_codes_.insert(static_cast<int>(code));
  } else if (kind == "until") {
    BOXLITE_ASSIGN_OR_RETURN(until_ns_, ParseInstant(value, now_ns));
  } else {
    std::vector<std::string>& values = kind == "name"     ? names_
                                       : kind == "id"     ? ids_
                                       : kind == "label"  ? labels_
                                       : kind == "label!" ? absent_labels_
                                       : kind == "before" ? before_
                                       : kind == "since"  ? since_
                                                          : images_;
    values.push_back(value);
  }
  return {};
}

Result<BoxFilter> BoxFilter::Parse(const std::vector<std::string>& words,
                                   std::span<const std::string_view> known, std::int64_t now_ns) {
  BoxFilter filter;
  for (const std::string& word : words) {
    Result<std::pair<std::string, std::string>> parts = SplitFilter(word, known);
    if (!parts.ok()) return std::move(parts).error().While("--filter");
    Status added = filter.Add(parts->first, parts->second, now_ns);
    if (!added.ok()) return std::move(added).error().While("--filter " + word);
  }
  return filter;
}

Status BoxFilter::Resolve(const CreatedNs& created_ns) {
  for (const std::string& reference : before_) {
    BOXLITE_ASSIGN_OR_RETURN(std::int64_t created, created_ns(reference));
    before_ns_ = std::max(created, before_ns_.value_or(created));
  }
  for (const std::string& reference : since_) {
    BOXLITE_ASSIGN_OR_RETURN(std::int64_t created, created_ns(reference));
    since_ns_ = std::min(created, since_ns_.value_or(created));
  }
  return {};
}

bool BoxFilter::MatchesSpec(const BoxSpec& spec) const {
  if (before_ns_ && spec.created_ns >= *before_ns_) return false;
  if (since_ns_ && spec.created_ns <= *since_ns_) return false;
  if (until_ns_ && spec.created_ns > *until_ns_) return false;
  const auto has = [&](const std::string& label) { return HasLabel(spec.labels, label); };
  return AnyOf(names_, [&](const std::string& name) { return MatchesName(spec.name, name); }) &&
         AnyOf(images_, [&](const std::string& image) { return MatchesImage(spec, image); }) &&
         std::all_of(labels_.begin(), labels_.end(), has) &&
         std::none_of(absent_labels_.begin(), absent_labels_.end(), has);
}

bool BoxFilter::Matches(const BoxInfo& box) const {
  if (!states_.empty() && !states_.contains(box.derived.state)) return false;
  if (!exit_codes_.empty() &&
      (IsLive(box) || !box.derived.exit || !exit_codes_.contains(box.derived.exit->ShellCode()))) {
    return false;
  }
  if (!AnyOf(ids_, [&](const std::string& id) { return box.id.str().starts_with(id); })) {
    return false;
  }
  // Of a box that cannot be read nothing else is known.
  return MatchesSpec(box.spec.ok() ? *box.spec : BoxSpec{});
}

}  // namespace boxlite::cli

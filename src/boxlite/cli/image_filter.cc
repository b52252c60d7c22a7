#include "boxlite/cli/image_filter.h"

#include <fnmatch.h>

#include <algorithm>

#include "boxlite/cli/instant.h"

namespace boxlite::cli {
namespace {

Error Invalid(const std::string& word, const std::string& why) {
  return Error(ErrorCode::kInvalidArgument, "--filter '" + word + "': " + why);
}

}  // namespace

Result<ImageFilter> ImageFilter::Parse(const std::vector<std::string>& words, std::int64_t now_ns) {
  ImageFilter filter;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return Invalid(word, "it is not KIND=VALUE");
    std::string kind = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    const bool negated = kind.ends_with('!');
    if (negated) kind.pop_back();
    if (negated && kind != "label") return Invalid(word, "only labels can be excluded");
    if (kind == "dangling") {
      const bool yes = value == "true" || value == "1";
      if (!yes && value != "false" && value != "0") return Invalid(word, "it is true or false");
      filter.dangling_ = yes;
    } else if (kind == "reference") {
      filter.AddReference(value);
    } else if (kind == "label") {
      const std::size_t split = value.find('=');
      Label label{value.substr(0, split), std::nullopt, negated};
      if (split != std::string::npos) label.value = value.substr(split + 1);
      filter.labels_.push_back(std::move(label));
    } else if (kind == "until") {
      Result<std::int64_t> instant = ParseInstant(value, now_ns);
      if (!instant.ok()) return std::move(instant).error().While("--filter until");
      filter.until_ns_ = *instant;
    } else {
      return Invalid(word, "the kinds are dangling, reference, label, until");
    }
  }
  return filter;
}

bool ImageFilter::MatchesImage(const ImageEntry& entry) const {
  const bool dangling = entry.tags.empty() && !entry.shipped;
  if (dangling_ && *dangling_ != dangling) return false;
  if (until_ns_ && (!entry.image.ok() || entry.image->stored_ns > *until_ns_)) return false;
  return std::ranges::all_of(labels_, [&](const Label& label) {
    bool has = false;
    if (entry.image.ok()) {
      const auto found = entry.image->config.labels.find(label.key);
      has = found != entry.image->config.labels.end() &&
            (!label.value || found->second == *label.value);
    }
    return has != label.negated;
  });
}

bool ImageFilter::MatchesName(const std::string& repository, const std::string& tag) const {
  if (references_.empty()) return true;
  return std::ranges::any_of(references_, [&](const std::string& pattern) {
    const std::string whole = repository + ":" + tag;
    return ::fnmatch(pattern.c_str(), repository.c_str(), FNM_PATHNAME) == 0 ||
           ::fnmatch(pattern.c_str(), whole.c_str(), FNM_PATHNAME) == 0;
  });
}

bool ImageFilter::Matches(const ImageRow& row) const {
  return MatchesImage(*row.entry) && MatchesName(row.repository, row.tag);
}

bool ImageFilter::Matches(const ImageEntry& entry) const {
  if (!MatchesImage(entry)) return false;
  const std::vector<ImageRow> rows = RowsOf({entry});
  return std::ranges::any_of(
      rows, [&](const ImageRow& row) { return MatchesName(row.repository, row.tag); });
}

}  // namespace boxlite::cli

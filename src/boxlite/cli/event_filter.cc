#include "boxlite/cli/event_filter.h"

#include <algorithm>

#include "boxlite/cli/box_filter.h"

namespace boxlite::cli {
namespace {

Status CheckKind(const std::string& word) {
  std::string known;
  for (int kind = 0; kind < kEventKindCount; ++kind) {
    const std::string name(EventName(static_cast<EventKind>(kind)));
    if (name == word) return {};
    known += (known.empty() ? "" : ", ") + name;
  }
  return Error(ErrorCode::kInvalidArgument,
               "there is no event '" + word + "'; there are: " + known);
}

Status CheckType(const std::string& word) {
  if (word == "box" || word == "container") return {};
  return Error(ErrorCode::kInvalidArgument, "there are only events of type box, not " + word);
}

}  // namespace

Result<EventFilter> EventFilter::Parse(const std::vector<std::string>& words) {
  EventFilter filter;
  for (const std::string& word : words) {
    Result<std::pair<std::string, std::string>> parts = SplitFilter(word, kEventFilters);
    if (!parts.ok()) return std::move(parts).error().While("--filter");
    const auto& [kind, value] = *parts;
    Status checked = kind == "event"  ? CheckKind(value)
                     : kind == "type" ? CheckType(value)
                                      : Status();
    if (!checked.ok()) return std::move(checked).error().While("--filter");
    if (kind == "event") filter.kinds_.insert(value);
    if (kind == "box" || kind == "container") filter.boxes_.push_back(value);
    if (kind == "image") filter.images_.push_back(value);
    if (kind == "label") filter.labels_.push_back(value);
  }
  return filter;
}

bool EventFilter::Matches(const BoxEvent& event) const {
  const auto old_name = event.attributes.find("oldName");
  const auto names_it = [&](const std::string& box) {
    return event.id.str().starts_with(box) || event.name == box ||
           (old_name != event.attributes.end() && old_name->second == box);
  };
  if (!boxes_.empty() && std::none_of(boxes_.begin(), boxes_.end(), names_it)) return false;
  if (!kinds_.empty() && !kinds_.contains(std::string(EventName(event.kind)))) return false;
  if (!images_.empty() && std::find(images_.begin(), images_.end(), event.image) == images_.end()) {
    return false;
  }
  return std::all_of(labels_.begin(), labels_.end(),
                     [&](const std::string& label) { return HasLabel(event.labels, label); });
}

}  // namespace boxlite::cli

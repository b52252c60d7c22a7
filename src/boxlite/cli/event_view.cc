#include "boxlite/cli/event_view.h"

#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::string_view kType = "box";

// A box's labels are among the attributes, as in docker; what is ours is not hidden by them.
std::map<std::string, std::string> Attributes(const BoxEvent& event) {
  std::map<std::string, std::string> attributes = event.labels;
  attributes["image"] = event.image;
  if (!event.name.empty()) attributes["name"] = event.name;
  for (const auto& [key, value] : event.attributes) attributes[key] = value;
  return attributes;
}

}  // namespace

std::string EventLine(const BoxEvent& event) {
  std::string attributes;
  for (const auto& [key, value] : Attributes(event)) {
    attributes += (attributes.empty() ? "" : ", ") + key + "=" + value;
  }
  const std::string line = FormatLocalTime(event.time_ns) + " " + std::string(kType) + " " +
                           std::string(EventName(event.kind)) + " " + event.id.str() + " (" +
                           attributes + ")";
  return PrintableText(line) + "\n";
}

Document EventEntry(const BoxEvent& event) {
  const std::string action(EventName(event.kind));
  Document entry = Document::object();
  entry["status"] = action;
  entry["id"] = event.id.str();
  entry["from"] = event.image;
  entry["Type"] = std::string(kType);
  entry["Action"] = action;
  entry["Actor"]["ID"] = event.id.str();
  entry["Actor"]["Attributes"] = Document::object();
  for (const auto& [key, value] : Attributes(event)) entry["Actor"]["Attributes"][key] = value;
  entry["scope"] = "local";
  entry["time"] = event.time_ns / kSecond;
  entry["timeNano"] = event.time_ns;
  return entry;
}

Document EventForTemplate(const BoxEvent& event) {
  Document entry = EventEntry(event);
  entry["ID"] = entry["id"];
  entry["Status"] = entry["status"];
  entry["From"] = entry["from"];
  entry["Time"] = entry["time"];
  entry["TimeNano"] = entry["timeNano"];
  return entry;
}

}  // namespace boxlite::cli

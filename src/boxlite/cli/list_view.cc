#include "boxlite/cli/list_view.h"

#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/box_view.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {

Document ListRow(const BoxInfo& box, std::int64_t now_ns, std::optional<std::uint64_t> bytes) {
  Document row = ListEntry(box, now_ns);
  const BoxSpec spec = box.spec.ok() ? *box.spec : BoxSpec{};
  std::string command;
  for (const std::string& word : spec.argv) command += (command.empty() ? "" : " ") + word;
  std::string labels;
  for (const auto& [key, value] : spec.labels) {
    labels += (labels.empty() ? "" : ",") + key + "=" + value;
  }
  row["ID"] = box.id.str();
  row["Image"] = spec.image;
  row["Command"] = "\"" + command + "\"";
  row["CreatedAt"] = FormatLocalTime(spec.created_ns);
  row["RunningFor"] = DescribeDuration(std::chrono::nanoseconds(now_ns - spec.created_ns)) + " ago";
  row["State"] = row["state"];
  row["Status"] = row["status"];
  row["Size"] = bytes ? DecimalSize(*bytes) : "";
  row["Names"] = spec.name;
  row["Labels"] = labels;
  return row;
}

Document ListHeadings() {
  const BoxInfo none{BoxId::Random(), BoxSpec{}, {}, 0, {}, {}, {}, ""};
  Document headings = ListRow(none, 0, std::nullopt);
  // As docker's, where they are not the field's name.
  const std::map<std::string, std::string> kOthers = {{"CreatedAt", "CREATED AT"},
                                                      {"RunningFor", "CREATED"},
                                                      {"exit_code", "EXIT CODE"},
                                                      {"memory_mib", "MEMORY MIB"},
                                                      {"disk_bytes", "DISK BYTES"}};
  for (auto& [key, heading] : headings.items()) {
    const auto other = kOthers.find(key);
    std::string text = other == kOthers.end() ? key : other->second;
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    heading = text;
  }
  return headings;
}

}  // namespace boxlite::cli

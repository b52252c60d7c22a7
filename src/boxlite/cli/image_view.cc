#include "boxlite/cli/image_view.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/instant.h"
#include "boxlite/cli/table.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr char kNone[] = "<none>";
constexpr char kMissing[] = "<missing>";
constexpr char kUnknown[] = "N/A";
constexpr std::size_t kShortDigits = 12;
constexpr std::size_t kCreatedByWidth = 45;

std::int64_t InstantNs(const std::string& text) {
  if (text.empty()) return 0;
  Result<std::int64_t> instant = ParseInstant(text, 0);
  // A build that is reproducible says 1970, or year 1: it does not say when.
  return instant.ok() && *instant > 0 ? *instant : 0;
}

std::string Ago(std::int64_t then_ns, std::int64_t now_ns) {
  if (then_ns == 0) return kUnknown;
  return DescribeDuration(std::chrono::nanoseconds(now_ns - then_ns)) + " ago";
}

std::string SizeOf(const ImageEntry& entry) {
  return entry.bytes == 0 ? kUnknown : DecimalSize(entry.bytes);
}

std::string IdOf(const std::string& digest, bool whole) {
  return whole ? digest : ShortDigest(digest);
}

Document Keys(const std::set<std::string>& keys) {
  Document object = Document::object();
  for (const std::string& key : keys) object[key] = Document::object();
  return object;
}

Document ConfigEntry(const ImageConfig& config) {
  Document entry = Document::object();
  entry["User"] = config.user;
  entry["ExposedPorts"] = Keys(config.exposed_ports);
  entry["Env"] = config.env;
  entry["Entrypoint"] = config.entrypoint;
  entry["Cmd"] = config.command;
  entry["Volumes"] = Keys(config.volumes);
  entry["WorkingDir"] = config.working_dir;
  entry["StopSignal"] = config.stop_signal;
  entry["Labels"] = Document::object();
  for (const auto& [key, value] : config.labels) entry["Labels"][key] = value;
  return entry;
}

Document DigestList(const std::vector<Digest>& digests) {
  Document list = Document::array();
  for (const Digest& digest : digests) list.push_back(digest.text());
  return list;
}

}  // namespace

std::string FamiliarName(const std::string& full_name) {
  Result<Reference> reference = Reference::Parse(full_name);
  return reference.ok() ? reference->Familiar() : full_name;
}

std::string ShortDigest(const std::string& digest) {
  const std::size_t colon = digest.find(':');
  return digest.substr(colon == std::string::npos ? 0 : colon + 1, kShortDigits);
}

std::vector<ImageRow> RowsOf(const std::vector<ImageEntry>& entries) {
  std::vector<ImageRow> rows;
  for (const ImageEntry& entry : entries) {
    if (entry.shipped && entry.image.ok()) {
      rows.push_back({entry.image->name, "latest", kNone, &entry});
    }
    for (const ImageTag& tag : entry.tags) {
      const std::string manifest = tag.manifest ? tag.manifest->text() : kNone;
      Result<Reference> name = Reference::Parse(tag.name);
      if (!name.ok()) {
        rows.push_back({tag.name, kNone, manifest, &entry});
        continue;
      }
      // The familiar name without what stands in columns of its own.
      std::string repository = name->Familiar();
      repository = repository.substr(0, repository.find('@'));
      if (name->tag()) repository.resize(repository.size() - name->tag()->size() - 1);
      rows.push_back({repository, name->tag().value_or(kNone), manifest, &entry});
    }
    if (!entry.shipped && entry.tags.empty()) rows.push_back({kNone, kNone, kNone, &entry});
  }
  return rows;
}

std::int64_t CreatedNs(const ImageEntry& entry) {
  return entry.image.ok() ? InstantNs(entry.image->config.created) : 0;
}

std::string ImageTable(const std::vector<ImageRow>& rows, std::int64_t now_ns, bool whole,
                       bool digests) {
  std::vector<std::vector<std::string>> table = {{"REPOSITORY", "TAG"}};
  if (digests) table[0].push_back("DIGEST");
  for (const char* heading : {"IMAGE ID", "CREATED", "SIZE"}) table[0].push_back(heading);
  for (const ImageRow& row : rows) {
    std::vector<std::string>& cells = table.emplace_back();
    cells = {row.repository, row.tag};
    if (digests) cells.push_back(row.manifest);
    cells.push_back(IdOf(row.entry->digest, whole));
    cells.push_back(row.entry->image.ok() ? Ago(CreatedNs(*row.entry), now_ns) : "<damaged>");
    cells.push_back(SizeOf(*row.entry));
  }
  return FormatTable(table);
}

Document ImageRowEntry(const ImageRow& row, std::int64_t now_ns, bool whole) {
  const ImageEntry& image = *row.entry;
  const std::int64_t created = CreatedNs(image);
  Document entry = Document::object();
  entry["repository"] = row.repository;
  entry["tag"] = row.tag;
  entry["digest"] = row.manifest == kNone ? Document(nullptr) : Document(row.manifest);
  entry["id"] = image.digest;
  entry["created"] = created == 0 ? Document(nullptr) : Document(FormatTime(created));
  entry["size_bytes"] = image.bytes;
  entry["shipped"] = image.shipped;
  entry["in_home"] = image.in_home;
  entry["boxes"] = image.boxes;
  if (!image.image.ok()) entry["problem"] = image.image.error().message();
  entry["Repository"] = row.repository;
  entry["Tag"] = row.tag;
  entry["Digest"] = row.manifest;
  entry["ID"] = IdOf(image.digest, whole);
  entry["CreatedAt"] = created == 0 ? kUnknown : FormatLocalTime(created);
  entry["CreatedSince"] = Ago(created, now_ns);
  entry["Size"] = SizeOf(image);
  entry["Containers"] = std::to_string(image.boxes.size());
  return entry;
}

Document ImageRowHeadings() {
  const ImageEntry none{"sha256:", StoredImage(), {}, false, false, 0, {}};
  Document headings = ImageRowEntry({"", "", kNone, &none}, 0, false);
  const std::map<std::string, std::string> others = {{"ID", "IMAGE ID"},
                                                     {"CreatedAt", "CREATED AT"},
                                                     {"CreatedSince", "CREATED"},
                                                     {"size_bytes", "SIZE BYTES"},
                                                     {"in_home", "IN HOME"}};
  for (auto& [key, heading] : headings.items()) {
    const auto other = others.find(key);
    std::string text = other == others.end() ? key : other->second;
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    heading = text;
  }
  return headings;
}

Document ImageInspectEntry(const ImageEntry& image) {
  Document entry = Document::object();
  entry["Id"] = image.digest;
  entry["RepoTags"] = Document::array();
  entry["RepoDigests"] = Document::array();
  if (image.shipped && image.image.ok()) entry["RepoTags"].push_back(image.image->name + ":latest");
  std::int64_t tagged_ns = 0;
  for (const ImageTag& tag : image.tags) {
    Result<Reference> name = Reference::Parse(tag.name);
    if (name.ok() && name->tag()) entry["RepoTags"].push_back(name->Familiar());
    if (name.ok() && tag.manifest) {
      entry["RepoDigests"].push_back(name->WithDigest(*tag.manifest).Familiar());
    }
    tagged_ns = std::max(tagged_ns, tag.tagged_ns);
  }
  entry["InHome"] = image.in_home;
  entry["Shipped"] = image.shipped;
  entry["Boxes"] = image.boxes;
  entry["Size"] = image.bytes;
  if (!image.image.ok()) {
    entry["Problem"] = image.image.error().message();
    return entry;
  }
  const ImageConfig& config = image.image->config;
  entry["Created"] = config.created;
  entry["Author"] = config.author;
  entry["Os"] = config.platform.os;
  entry["Architecture"] = config.platform.architecture;
  entry["Variant"] = config.platform.variant;
  entry["Config"] = ConfigEntry(config);
  entry["RootFS"]["Type"] = "layers";
  entry["RootFS"]["Layers"] = DigestList(config.diff_ids);
  entry["Metadata"]["LastTagTime"] = FormatTime(tagged_ns);
  entry["Metadata"]["StoredTime"] = FormatTime(image.image->stored_ns);
  return entry;
}

std::vector<HistoryRow> HistoryRows(const ImageEntry& entry,
                                    const std::vector<std::uint64_t>& sizes, bool whole) {
  std::vector<HistoryRow> rows;
  if (!entry.image.ok()) return rows;
  std::size_t layer = 0;
  for (const HistoryStep& step : entry.image->config.history) {
    HistoryRow row;
    row.image = kMissing;
    row.created_ns = InstantNs(step.created);
    row.created_by = whole ? step.created_by : Shortened(step.created_by, kCreatedByWidth);
    row.comment = step.comment;
    row.size = DecimalSize(0);
    if (!step.empty_layer) {
      row.size = layer < sizes.size() ? DecimalSize(sizes[layer]) : kUnknown;
      ++layer;
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty()) rows.push_back({kMissing, CreatedNs(entry), "", SizeOf(entry), ""});
  std::ranges::reverse(rows);
  rows.front().image = IdOf(entry.digest, whole);
  return rows;
}

}  // namespace boxlite::cli

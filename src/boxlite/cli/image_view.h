// Images as people see them: rows, tables and documents. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "boxlite/cli/document.h"
#include "boxlite/runtime/images.h"

namespace boxlite::cli {

// "debian:12" of "docker.io/library/debian:12".
std::string FamiliarName(const std::string& full_name);
// The first twelve digits of a digest.
std::string ShortDigest(const std::string& digest);

// One row of `images`: an image under one of its names, or under none.
struct ImageRow {
  std::string repository;  // familiar; "<none>"
  std::string tag;         // "<none>"
  std::string manifest;    // "<none>"
  const ImageEntry* entry = nullptr;
};
std::vector<ImageRow> RowsOf(const std::vector<ImageEntry>& entries);

// When the image was made, nanoseconds since 1970; 0: it does not say.
std::int64_t CreatedNs(const ImageEntry& entry);

std::string ImageTable(const std::vector<ImageRow>& rows, std::int64_t now_ns, bool whole,
                       bool digests);
// With docker's names and ours.
Document ImageRowEntry(const ImageRow& row, std::int64_t now_ns, bool whole);
Document ImageRowHeadings();

// What `image inspect` shows.
Document ImageInspectEntry(const ImageEntry& entry);

// The steps of an image's history, newest first: IMAGE CREATED CREATED-BY SIZE COMMENT. `sizes`: of
// its layers as they came, lowest first; none: not known.
struct HistoryRow {
  std::string image;  // or "<missing>"
  std::int64_t created_ns = 0;
  std::string created_by;
  std::string size;
  std::string comment;
};
std::vector<HistoryRow> HistoryRows(const ImageEntry& entry,
                                    const std::vector<std::uint64_t>& sizes, bool whole);

}  // namespace boxlite::cli

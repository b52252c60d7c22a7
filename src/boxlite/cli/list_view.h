// A row of `ls` for templates: docker's field names, beside the keys of --format json. Pure.
//
//   ID, Image, Command (in quotes), CreatedAt, RunningFor, State, Status, Size (empty unless asked
//   for), Names, Labels ("k=v,k=v"; .labels is the object)
#pragma once

#include <cstdint>
#include <optional>

#include "boxlite/cli/document.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

Document ListRow(const BoxInfo& box, std::int64_t now_ns, std::optional<std::uint64_t> bytes);

// The headings of `table TEMPLATE`: the same keys, each with what stands above its column.
Document ListHeadings();

}  // namespace boxlite::cli

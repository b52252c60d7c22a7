// --format of the verbs that list something: table, json, yaml, a template, a table of a template.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "boxlite/cli/document.h"
#include "boxlite/cli/go_template.h"
#include "boxlite/cli/requests.h"

namespace boxlite::cli {

struct ListFormat {
  Format format = Format::kTable;
  std::string template_text;  // kTemplate, kTemplateTable
};
Result<ListFormat> ParseListFormat(std::string text);

// A line an entry; with `table` the first entry is the heading, and tabs part the columns.
Result<std::string> FormatTemplate(const GoTemplate& form, const std::vector<Document>& entries,
                                   bool table);

}  // namespace boxlite::cli

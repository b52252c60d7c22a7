#include "boxlite/cli/list_format.h"

#include <nlohmann/json.hpp>

#include "boxlite/cli/table.h"
#include "boxlite/cli/template_text.h"

namespace boxlite::cli {

Result<ListFormat> ParseListFormat(std::string text) {
  constexpr std::string_view kTablePrefix = "table ";
  ListFormat format;
  if (text.find("{{") == std::string::npos) {
    Result<Format> named = ParseFormat(text, "table, json, yaml");
    if (!named.ok()) return ParseTemplateText(text, "table, json, yaml").error();
    format.format = *named;
    return format;
  }
  format.format = Format::kTemplate;
  if (text.starts_with(kTablePrefix)) {
    format.format = Format::kTemplateTable;
    text.erase(0, kTablePrefix.size());
  }
  BOXLITE_ASSIGN_OR_RETURN(format.template_text, ParseTemplateText(text, ""));
  return format;
}

Result<std::string> FormatTemplate(const GoTemplate& form, const std::vector<Document>& entries,
                                   bool table) {
  std::string text;
  std::vector<std::vector<std::string>> rows;
  for (const Document& entry : entries) {
    BOXLITE_ASSIGN_OR_RETURN(std::string line, form.Execute(entry));
    text += line + "\n";
    std::vector<std::string>& row = rows.emplace_back(1);
    for (const char c : line) {
      if (c == '\t') row.emplace_back();
      if (c != '\t') row.back() += c;
    }
  }
  return table ? FormatTable(rows) : text;
}

}  // namespace boxlite::cli

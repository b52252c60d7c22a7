#include "boxlite/cli/template_text.h"

#include "boxlite/cli/go_template.h"

namespace boxlite::cli {

Result<std::string> ParseTemplateText(const std::string& text, const std::string& others) {
  if (text.find("{{") == std::string::npos) {
    return Error(ErrorCode::kInvalidArgument,
                 "--format '" + text + "' is none of: " + others + ", a template like '{{.ID}}'");
  }
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    const bool escaped = text[i] == '\\' && (next == 't' || next == 'n');
    plain += !escaped ? text[i] : next == 't' ? '\t' : '\n';
    if (escaped) ++i;
  }
  Result<GoTemplate> form = GoTemplate::Parse(plain);
  if (!form.ok()) return std::move(form).error().While("--format");
  return plain;
}

}  // namespace boxlite::cli

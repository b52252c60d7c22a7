#include "boxlite/cli/document.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace boxlite::cli {
namespace {

using nlohmann::detail::error_handler_t;

std::string Quoted(const std::string& text) {
  // JSON's strings are YAML's double-quoted ones.
  return Document(text).dump(-1, ' ', false, error_handler_t::replace);
}

bool LooksLikeNumber(const std::string& text) {
  return text.find_first_of("0123456789") != std::string::npos &&
         text.find_first_not_of("0123456789abcdefABCDEFxoXO.+-_:eE") == std::string::npos;
}

// Plain scalars are letters, digits and a few marks that mean nothing anywhere; all else is quoted.
// Words of YAML 1.1 (yes, no, on, off) are quoted too, since many readers still know them.
bool IsPlain(const std::string& text) {
  constexpr std::string_view kReserved[] = {"null", "true", "false", "yes", "no",
                                            "on",   "off",  "y",     "n",   "~"};
  if (text.empty() || LooksLikeNumber(text)) return false;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  if (std::find(std::begin(kReserved), std::end(kReserved), lower) != std::end(kReserved))
    return false;
  const auto harmless = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '.' || c == '-' || c == '+' || c == ' ' || c == '(' || c == ')' ||
           c == ';';
  };
  return std::all_of(text.begin(), text.end(), harmless) && text.front() != ' ' &&
         text.back() != ' ' && text.front() != '-' && text.front() != '.' && text.front() != ';';
}

std::string Scalar(const Document& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return IsPlain(text) ? text : Quoted(text);
  }
  if (value.is_object()) return "{}";
  if (value.is_array()) return "[]";
  return value.dump();
}

bool IsBlock(const Document& value) { return value.is_structured() && !value.empty(); }

void WriteYaml(const Document& value, const std::string& indent, std::string& text);

// Behind "key:" or "-".
void WriteMember(const Document& value, const std::string& indent, std::string& text) {
  if (!IsBlock(value)) {
    text += " " + Scalar(value) + "\n";
    return;
  }
  text += "\n";
  WriteYaml(value, indent + "  ", text);
}

void WriteYaml(const Document& value, const std::string& indent, std::string& text) {
  if (!IsBlock(value)) {
    text += indent + Scalar(value) + "\n";
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      text += indent + (IsPlain(key) ? key : Quoted(key)) + ":";
      WriteMember(member, indent, text);
    }
  } else {
    for (const Document& element : value) {
      if (element.is_object() && !element.empty()) {
        // The first key stands behind the dash, the others below it.
        std::string inner;
        WriteYaml(element, indent + "  ", inner);
        text += indent + "- " + inner.substr(indent.size() + 2);
      } else {
        text += indent + "-";
        WriteMember(element, indent, text);
      }
    }
  }
}

}  // namespace

std::string ToJson(const Document& document) {
  return document.dump(2, ' ', false, error_handler_t::replace) + "\n";
}

std::string ToCompactJson(const Document& document) {
  return document.dump(-1, ' ', false, error_handler_t::replace);
}

std::string ToYaml(const Document& document) {
  std::string text;
  WriteYaml(document, "", text);
  return text;
}

std::string Formatted(const Document& document, Format format) {
  return format == Format::kYaml ? ToYaml(document) : ToJson(document);
}

Result<Format> ParseFormat(const std::string& text, const std::string& allowed) {
  const bool listed = (", " + allowed + ",").find(", " + text + ",") != std::string::npos;
  if (listed && text == "table") return Format::kTable;
  if (listed && text == "text") return Format::kTable;
  if (listed && text == "json") return Format::kJson;
  if (listed && text == "yaml") return Format::kYaml;
  return Error(ErrorCode::kInvalidArgument, "--format '" + text + "' is none of: " + allowed);
}

}  // namespace boxlite::cli

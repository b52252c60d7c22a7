#include "boxlite/image/import_changes.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

Error Invalid(const std::string& line, const std::string& why) {
  return Error(ErrorCode::kInvalidArgument, "the change '" + line.substr(0, 200) + "': " + why);
}

std::string Trimmed(std::string text) {
  const auto is_space = [](unsigned char c) { return std::isspace(c) != 0; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  return text;
}

// ["a", "b"], or nothing for what is no such list.
std::optional<std::vector<std::string>> JsonList(const std::string& text) {
  if (!text.starts_with('[')) return std::nullopt;
  Result<nlohmann::json> json = ParseBoundedJson("the list", text, 1024 * 1024);
  if (!json.ok() || !json->is_array()) return std::nullopt;
  std::vector<std::string> list;
  for (const nlohmann::json& item : *json) {
    if (!item.is_string()) return std::nullopt;
    list.push_back(item.get<std::string>());
  }
  return list;
}

std::vector<std::string> Command(const std::string& text) {
  if (std::optional<std::vector<std::string>> list = JsonList(text)) return *list;
  return {"/bin/sh", "-c", text};
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words(1);
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else if (quote != 0) {
      if (c == quote) quote = 0;
      if (c != quote && quote != 0) words.back() += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ' ' || c == '\t') {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

// "A=1 B=2", or in the old form "A all the rest".
Result<std::vector<std::pair<std::string, std::string>>> Pairs(const std::string& line,
                                                               const std::string& text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const std::vector<std::string> words = Words(text);
  if (!words.empty() && words[0].find('=') == std::string::npos) {
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) return Invalid(line, "a value is missing: KEY=VALUE");
    pairs.emplace_back(text.substr(0, space), Trimmed(text.substr(space)));
    return pairs;
  }
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Invalid(line, "'" + word + "' is not KEY=VALUE");
    }
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

Status ApplyPairs(const std::string& line, const std::string& name, const std::string& text,
                  ImageConfig& config) {
  BOXLITE_ASSIGN_OR_RETURN(auto pairs, Pairs(line, text));
  for (const auto& [key, value] : pairs) {
    if (name == "LABEL") {
      config.labels[key] = value;
      continue;
    }
    const std::string prefix = key + "=";
    std::erase_if(config.env, [&](const std::string& old) { return old.starts_with(prefix); });
    config.env.push_back(prefix + value);
  }
  return {};
}

}  // namespace

Status ApplyChange(const std::string& line, ImageConfig& config) {
  const std::string trimmed = Trimmed(line);
  const std::size_t space = std::min(trimmed.find_first_of(" \t"), trimmed.size());
  std::string name = trimmed.substr(0, space);
  const std::string text = Trimmed(trimmed.substr(space));
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (line.find('\0') != std::string::npos) return Invalid(name, "there is a NUL in it");
  if (text.empty()) return Invalid(line, "something must follow the instruction");
  if (name == "ENV" || name == "LABEL") return ApplyPairs(line, name, text, config);
  if (name == "CMD") {
    config.command = Command(text);
  } else if (name == "ENTRYPOINT") {
    config.entrypoint = Command(text);
  } else if (name == "USER") {
    config.user = text;
  } else if (name == "WORKDIR") {
    config.working_dir = text;
  } else if (name == "STOPSIGNAL") {
    config.stop_signal = text;
  } else if (name == "VOLUME") {
    for (const std::string& path : JsonList(text).value_or(Words(text))) {
      config.volumes.insert(path);
    }
  } else if (name == "EXPOSE") {
    for (const std::string& port : Words(text)) {
      config.exposed_ports.insert(port.find('/') == std::string::npos ? port + "/tcp" : port);
    }
  } else {
    return Invalid(line, name +
                             " is none of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, "
                             "VOLUME, WORKDIR");
  }
  return {};
}

}  // namespace boxlite

#include "boxlite/cli/go_template.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";
constexpr std::string_view kBlanks = " \t\r\n";
// Deeper than anyone writes by hand, and far from the stack's end.
constexpr int kMaxDepth = 50;

Error Invalid(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

enum class Operation { kValue, kJson, kLength, kIndex };

struct Expression {
  Operation operation = Operation::kValue;
  std::vector<std::string> path;  // from dot
  std::vector<Document> keys;     // kIndex: strings and whole numbers
};

// The words of an action; a string keeps its quotes.
Result<std::vector<std::string>> SplitWords(std::string_view action) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t begin = action.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return words;
    action.remove_prefix(begin);
    std::size_t end = 0;
    if (action[0] == '"' || action[0] == '`') {
      end = action.find(action[0], 1);
      while (action[0] == '"' && end != std::string_view::npos && action[end - 1] == '\\') {
        end = action.find('"', end + 1);
      }
      if (end == std::string_view::npos) return Invalid("a string is not closed");
      ++end;
    } else {
      end = std::min(action.find_first_of(kBlanks), action.size());
    }
    words.emplace_back(action.substr(0, end));
    action.remove_prefix(end);
  }
}

bool IsFieldName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<std::vector<std::string>> ParsePath(const std::string& word) {
  std::vector<std::string> path;
  if (word == ".") return path;
  std::string_view rest = word;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('.', 1), rest.size());
    const std::string_view name = rest.substr(1, end - 1);
    if (rest[0] != '.' || !IsFieldName(name)) {
      return Error(ErrorCode::kUnsupported,
                   "'" + word + "' is not known here; fields begin with a dot");
    }
    path.emplace_back(name);
    rest.remove_prefix(end);
  }
  return path;
}

Result<Document> ParseKey(const std::string& word) {
  if (word[0] == '`') return Document(word.substr(1, word.size() - 2));
  if (word[0] == '"') {
    Document key = Document::parse(word, nullptr, /*allow_exceptions=*/false);
    if (!key.is_string()) return Invalid("the string " + word + " is malformed");
    return key;
  }
  Result<std::uint64_t> number = ParseNumber(word, UINT32_MAX);
  if (!number.ok()) return Invalid("'" + word + "' is neither a string in quotes nor a number");
  return Document(*number);
}

Result<Expression> ParseExpression(std::span<const std::string> words) {
  Expression expression;
  if (words.empty()) return Invalid("there is an empty {{}}");
  for (const std::string& word : words) {
    if (word.find_first_of("|(") != std::string::npos && word[0] != '"' && word[0] != '`') {
      return Error(ErrorCode::kUnsupported, "pipes and parentheses are not known here: " + word);
    }
  }
  if (words[0][0] == '.') {
    if (words.size() > 1) return Invalid("'" + words[1] + "' behind a field means nothing");
    BOXLITE_ASSIGN_OR_RETURN(expression.path, ParsePath(words[0]));
    return expression;
  }
  if (words[0] == "json") {
    expression.operation = Operation::kJson;
  } else if (words[0] == "len") {
    expression.operation = Operation::kLength;
  } else if (words[0] == "index") {
    expression.operation = Operation::kIndex;
  } else {
    return Error(ErrorCode::kUnsupported,
                 "'" + words[0] + "' is not known here: only .Field, json, index, len, if, range");
  }
  const bool takes_keys = expression.operation == Operation::kIndex;
  if (words.size() < (takes_keys ? 3U : 2U) || (!takes_keys && words.size() > 2)) {
    return Invalid("'" + words[0] + "' takes a field" + (takes_keys ? " and what to look up" : ""));
  }
  BOXLITE_ASSIGN_OR_RETURN(expression.path, ParsePath(words[1]));
  for (const std::string& word : words.subspan(2)) {
    BOXLITE_ASSIGN_OR_RETURN(Document key, ParseKey(word));
    expression.keys.push_back(std::move(key));
  }
  return expression;
}

std::string Keys(const Document& object) {
  std::string names;
  for (const auto& [key, member] : object.items()) names += (names.empty() ? "" : ", ") + key;
  return names;
}

// The names that other tools' users expect.
std::string Canonical(const std::string& name) {
  if (name == "ID") return "Id";
  return name == "ImageID" ? "ImageDigest" : name;
}

Result<const Document*> Follow(const Document& dot, const std::vector<std::string>& path) {
  const Document* value = &dot;
  std::string shown;
  for (const std::string& name : path) {
    if (!value->is_object()) {
      return Invalid("there is no ." + name + " in " + (shown.empty() ? "." : shown) +
                     ", which has no fields");
    }
    auto member = value->find(name);
    if (member == value->end()) member = value->find(Canonical(name));
    if (member == value->end()) {
      return Invalid("there is no field " + shown + "." + name + "; there are: " + Keys(*value));
    }
    shown += "." + name;
    value = &*member;
  }
  return value;
}

// As in Go, a key that is not there gives an empty value, an index beyond the end is an error.
Result<Document> LookUp(const Document& from, const std::vector<Document>& keys) {
  Document value = from;
  for (const Document& key : keys) {
    if (value.is_object() && key.is_string()) {
      const auto member = value.find(key.get<std::string>());
      Document found = member == value.end() ? Document("") : *member;
      value = std::move(found);
    } else if (value.is_array() && key.is_number()) {
      const auto position = key.get<std::size_t>();
      if (position >= value.size()) {
        return Invalid("index " + key.dump() + " is beyond the end: there are " +
                       std::to_string(value.size()));
      }
      Document found = value[position];
      value = std::move(found);
    } else {
      return Invalid("index " + key.dump() + " does not go with " + std::string(value.type_name()));
    }
  }
  return value;
}

Result<Document> Evaluate(const Expression& expression, const Document& dot) {
  BOXLITE_ASSIGN_OR_RETURN(const Document* value, Follow(dot, expression.path));
  switch (expression.operation) {
    case Operation::kValue:
      return *value;
    case Operation::kJson:
      return Document(ToCompactJson(*value));
    case Operation::kLength:
      if (value->is_string()) return Document(value->get_ref<const std::string&>().size());
      if (!value->is_structured()) return Invalid("len of a value that has no length");
      return Document(value->size());
    case Operation::kIndex:
      return LookUp(*value, expression.keys);
  }
  return *value;
}

bool IsTrue(const Document& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.is_null() && !value.empty();
}

std::string Shown(const Document& value) {
  if (value.is_null()) return "<no value>";
  if (value.is_string()) return value.get<std::string>();
  return ToCompactJson(value);
}

}  // namespace

struct GoTemplate::Node {
  enum class Kind { kText, kValue, kIf, kRange };
  Kind kind = Kind::kText;
  std::string text;
  Expression expression;
  std::vector<Node> body;
  std::vector<Node> otherwise;
};

namespace {

using Node = GoTemplate::Node;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // How a list of nodes ended.
  enum class Stop { kText, kElse, kEnd };

  Result<Stop> ParseNodes(std::vector<Node>& nodes, int depth) {
    if (depth > kMaxDepth) return Invalid("the template nests too deeply");
    for (;;) {
      BOXLITE_ASSIGN_OR_RETURN(std::optional<std::string_view> action, NextAction(nodes));
      if (!action) return Stop::kText;
      BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> words, SplitWords(*action));
      const std::string first = words.empty() ? "" : words[0];
      if (first == "end" || first == "else") {
        if (words.size() > 1) return Error(ErrorCode::kUnsupported, "'else if' is not known here");
        return first == "end" ? Stop::kEnd : Stop::kElse;
      }
      Node node;
      if (first == "if" || first == "range") {
        node.kind = first == "if" ? Node::Kind::kIf : Node::Kind::kRange;
        BOXLITE_ASSIGN_OR_RETURN(node.expression, ParseExpression(std::span(words).subspan(1)));
        BOXLITE_RETURN_IF_ERROR(ParseBlock(node, first, depth));
      } else {
        node.kind = Node::Kind::kValue;
        BOXLITE_ASSIGN_OR_RETURN(node.expression, ParseExpression(words));
      }
      nodes.push_back(std::move(node));
    }
  }

 private:
  Status ParseBlock(Node& node, const std::string& name, int depth) {
    BOXLITE_ASSIGN_OR_RETURN(Stop stop, ParseNodes(node.body, depth + 1));
    if (stop == Stop::kElse) {
      BOXLITE_ASSIGN_OR_RETURN(stop, ParseNodes(node.otherwise, depth + 1));
      if (stop == Stop::kElse) return Invalid("{{else}} stands twice");
    }
    if (stop == Stop::kText) return Invalid("{{" + name + "}} is not closed by {{end}}");
    return {};
  }

  // The inside of the next {{ }}, with the text before it added to `nodes`; nullopt at the end.
  Result<std::optional<std::string_view>> NextAction(std::vector<Node>& nodes) {
    const std::size_t open = text_.find(kOpen);
    std::string_view before = text_.substr(0, open);
    if (trim_next_)
      before.remove_prefix(std::min(before.find_first_not_of(kBlanks), before.size()));
    if (open == std::string_view::npos) {
      AddText(before, nodes);
      text_ = {};
      return std::optional<std::string_view>();
    }
    std::string_view action = text_.substr(open + kOpen.size());
    const std::size_t close = action.find(kClose);
    if (close == std::string_view::npos) return Invalid("a {{ is not closed by }}");
    text_ = action.substr(close + kClose.size());
    action = action.substr(0, close);
    if (action.starts_with("- ")) {
      action.remove_prefix(1);
      before = before.substr(0, before.find_last_not_of(kBlanks) + 1);
    }
    trim_next_ = action.ends_with(" -");
    if (trim_next_) action.remove_suffix(1);
    AddText(before, nodes);
    return std::optional<std::string_view>(action);
  }

  static void AddText(std::string_view text, std::vector<Node>& nodes) {
    if (text.empty()) return;
    Node node;
    node.text = text;
    nodes.push_back(std::move(node));
  }

  std::string_view text_;
  bool trim_next_ = false;
};

Status Render(const std::vector<Node>& nodes, const Document& dot, std::string& out) {
  for (const Node& node : nodes) {
    if (node.kind == Node::Kind::kText) {
      out += node.text;
      continue;
    }
    BOXLITE_ASSIGN_OR_RETURN(Document value, Evaluate(node.expression, dot));
    if (node.kind == Node::Kind::kValue) {
      out += Shown(value);
    } else if (node.kind == Node::Kind::kIf) {
      BOXLITE_RETURN_IF_ERROR(Render(IsTrue(value) ? node.body : node.otherwise, dot, out));
    } else if (!IsTrue(value)) {
      BOXLITE_RETURN_IF_ERROR(Render(node.otherwise, dot, out));
    } else if (!value.is_structured()) {
      return Invalid("range over a value that has no elements");
    } else {
      for (const Document& element : value)
        BOXLITE_RETURN_IF_ERROR(Render(node.body, element, out));
    }
  }
  return {};
}

}  // namespace

GoTemplate::GoTemplate(std::vector<Node> nodes) : nodes_(std::move(nodes)) {}
GoTemplate::GoTemplate(GoTemplate&&) noexcept = default;
GoTemplate& GoTemplate::operator=(GoTemplate&&) noexcept = default;
GoTemplate::~GoTemplate() = default;

Result<GoTemplate> GoTemplate::Parse(std::string_view text) {
  std::vector<Node> nodes;
  BOXLITE_ASSIGN_OR_RETURN(Parser::Stop stop, Parser(text).ParseNodes(nodes, 0));
  if (stop != Parser::Stop::kText)
    return Invalid("{{end}} or {{else}} stands outside of if and range");
  return GoTemplate(std::move(nodes));
}

Result<std::string> GoTemplate::Execute(const Document& dot) const {
  std::string out;
  BOXLITE_RETURN_IF_ERROR(Render(nodes_, dot, out));
  return out;
}

}  // namespace boxlite::cli

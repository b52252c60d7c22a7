#include "boxlite/cli/arguments.h"

#include <algorithm>

#include "boxlite/cli/suggest.h"

namespace boxlite::cli {
namespace {

constexpr std::string_view kTrue = "true";
constexpr std::string_view kFalse = "false";

constexpr Option kCommonOptions[] = {
    {"help", 'h', "", "Show this help"},
    {"home", 0, "DIR", "Where the boxes are ($BOXLITE_HOME or ~/.boxlite unless said)"},
};

Error Invalid(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

const Option* FindByName(std::span<const Option> options, std::string_view name) {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const Option& option) { return option.name == name; });
  return found == options.end() ? nullptr : &*found;
}

const Option* FindByLetter(std::span<const Option> options, char letter) {
  const auto found = std::find_if(options.begin(), options.end(), [&](const Option& option) {
    return option.letter != 0 && option.letter == letter;
  });
  return found == options.end() ? nullptr : &*found;
}

Error Unavailable(const std::string& shown) {
  return Error(ErrorCode::kUnsupported, shown + " is not available in this version");
}

}  // namespace

std::span<const Option> CommonOptions() { return kCommonOptions; }

class Arguments::Parser {
 public:
  Parser(const Syntax& syntax, std::span<const std::string> words)
      : syntax_(syntax), words_(words) {}

  Result<Arguments> Run() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (word == "--") {
        TakeRest();
      } else if (word.starts_with("--")) {
        BOXLITE_RETURN_IF_ERROR(TakeLong(word));
      } else if (word.size() > 1 && word[0] == '-') {
        BOXLITE_RETURN_IF_ERROR(TakeCluster(word));
      } else {
        result_.positionals_.push_back(word);
        if (syntax_.positionals == Positionals::kEndOptions) TakeRest();
      }
    }
    return std::move(result_);
  }

 private:
  void TakeRest() {
    result_.positionals_.insert(result_.positionals_.end(), words_.begin() + next_, words_.end());
    next_ = words_.size();
  }

  Status TakeLong(const std::string& word) {
    const std::size_t equals = word.find('=');
    const std::string shown = word.substr(0, equals);
    const std::string_view name = std::string_view(shown).substr(2);
    const Option* option = FindByName(syntax_.options, name);
    if (option == nullptr) option = FindByName(kCommonOptions, name);
    if (option == nullptr) {
      if (FindByName(syntax_.unavailable, name) != nullptr) return Unavailable(shown);
      return Invalid("unknown option " + shown + NearestOption(name));
    }
    if (equals == std::string::npos) return TakeValue(*option, shown);
    std::string value = word.substr(equals + 1);
    if (option->value.empty() && value != kTrue && value != kFalse) {
      return Invalid(shown + " is a flag: it takes no value but true or false");
    }
    result_.given_.emplace_back(option->name, std::move(value));
    return {};
  }

  Status TakeCluster(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string shown = {'-', word[i]};
      const Option* option = FindByLetter(syntax_.options, word[i]);
      if (option == nullptr) option = FindByLetter(kCommonOptions, word[i]);
      if (option == nullptr) {
        if (FindByLetter(syntax_.unavailable, word[i]) != nullptr) return Unavailable(shown);
        if (word.size() == 2) return Invalid("unknown option " + shown);
        return Invalid("unknown option " + shown + " in " + word +
                       NearestOption(std::string_view(word).substr(1)));
      }
      if (!option->value.empty() && i + 1 < word.size()) {
        // -n5 and -n=5 both mean 5.
        const std::size_t begin = word[i + 1] == '=' ? i + 2 : i + 1;
        result_.given_.emplace_back(option->name, word.substr(begin));
        return {};
      }
      BOXLITE_RETURN_IF_ERROR(TakeValue(*option, shown));
    }
    return {};
  }

  // "; did you mean --name?", or nothing.
  std::string NearestOption(std::string_view typed) const {
    std::vector<std::string_view> known;
    for (const std::span<const Option> options :
         {syntax_.options, std::span<const Option>(kCommonOptions)}) {
      for (const Option& option : options) known.push_back(option.name);
    }
    const std::optional<std::string_view> nearest = Nearest(typed, known);
    return nearest ? "; did you mean --" + std::string(*nearest) + "?" : "";
  }

  Status TakeValue(const Option& option, const std::string& shown) {
    if (option.value.empty()) {
      result_.given_.emplace_back(option.name, kTrue);
      return {};
    }
    if (next_ == words_.size()) {
      return Invalid(shown + " needs a value: " + std::string(option.value));
    }
    result_.given_.emplace_back(option.name, words_[next_++]);
    return {};
  }

  const Syntax& syntax_;
  std::span<const std::string> words_;
  std::size_t next_ = 0;
  Arguments result_;
};

Result<Arguments> Arguments::Parse(const Syntax& syntax, std::span<const std::string> words) {
  return Parser(syntax, words).Run();
}

bool Arguments::Has(std::string_view flag) const { return LastOr(flag, kFalse) == kTrue; }

std::optional<std::string> Arguments::Last(std::string_view option) const {
  const auto found = std::find_if(given_.rbegin(), given_.rend(),
                                  [&](const auto& given) { return given.first == option; });
  if (found == given_.rend()) return std::nullopt;
  return found->second;
}

std::string Arguments::LastOr(std::string_view option, std::string_view otherwise) const {
  return Last(option).value_or(std::string(otherwise));
}

std::vector<std::string> Arguments::All(std::string_view option) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : given_) {
    if (name == option) values.push_back(value);
  }
  return values;
}

}  // namespace boxlite::cli

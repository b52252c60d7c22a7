#include "boxlite/registry/challenge.h"

#include <algorithm>
#include <optional>

#include "boxlite/base/printable_text.h"
#include "boxlite/oci/bounded_json.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxHeader = 16384;
constexpr std::size_t kMaxChallenges = 16;
constexpr std::size_t kMaxParameters = 16;
constexpr std::size_t kMaxTokenAnswer = 256 * 1024;
constexpr std::size_t kMaxToken = 64 * 1024;
constexpr std::size_t kMaxReason = 300;
constexpr std::chrono::seconds kLongestLife{24 * 3600};

bool IsTokenChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : text_(text.substr(0, kMaxHeader)) {}

  void Read(std::vector<Challenge>& out) {
    SkipListBlanks();
    while (!AtEnd() && out.size() < kMaxChallenges) {
      const std::string_view scheme = Word();
      if (scheme.empty()) return;
      Challenge challenge;
      challenge.scheme = Lower(scheme);
      const bool whole = ReadParameters(challenge);
      out.push_back(std::move(challenge));
      if (!whole) return;
    }
  }

 private:
  bool AtEnd() const { return at_ == text_.size(); }
  char Next() const { return AtEnd() ? '\0' : text_[at_]; }
  void SkipBlanks() {
    while (Next() == ' ' || Next() == '\t') ++at_;
  }
  void SkipListBlanks() {
    while (Next() == ' ' || Next() == '\t' || Next() == ',') ++at_;
  }

  std::string_view Word() {
    const std::size_t begin = at_;
    while (!AtEnd() && IsTokenChar(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::optional<std::string> Value() {
    if (Next() != '"') {
      const std::string_view word = Word();
      return word.empty() ? std::nullopt : std::optional<std::string>(word);
    }
    ++at_;
    std::string value;
    while (!AtEnd() && Next() != '"') {
      if (Next() == '\\') ++at_;
      if (AtEnd()) return std::nullopt;
      value += text_[at_++];
    }
    if (AtEnd()) return std::nullopt;
    ++at_;
    return value;
  }

  // Up to the next challenge or the end; false for what cannot be read.
  bool ReadParameters(Challenge& challenge) {
    SkipListBlanks();
    while (!AtEnd()) {
      const std::size_t before = at_;
      const std::string_view name = Word();
      if (name.empty()) return false;
      SkipBlanks();
      if (Next() != '=') {  // the scheme of the next challenge
        at_ = before;
        return true;
      }
      ++at_;
      SkipBlanks();
      std::optional<std::string> value = Value();
      if (!value) return false;
      if (challenge.parameters.size() == kMaxParameters) return false;
      challenge.parameters.emplace(Lower(name), std::move(*value));
      SkipBlanks();
      if (!AtEnd() && Next() != ',') return false;
      SkipListBlanks();
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string TextAt(const nlohmann::json& json, const char* key) {
  if (!json.is_object()) return {};
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::vector<Challenge> ParseChallenges(const std::vector<std::string>& headers) {
  std::vector<Challenge> challenges;
  for (const std::string& header : headers) ChallengeReader(header).Read(challenges);
  return challenges;
}

bool IsTokenText(std::string_view text) {
  return !text.empty() && text.size() <= kMaxToken &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Result<Token> ParseTokenAnswer(std::string_view json) {
  BOXLITE_ASSIGN_OR_RETURN(const nlohmann::json answer,
                           ParseBoundedJson("the token server's answer", json, kMaxTokenAnswer));
  Token token;
  token.text = TextAt(answer, "token");
  if (token.text.empty()) token.text = TextAt(answer, "access_token");
  if (!IsTokenText(token.text)) {
    return Error(ErrorCode::kCorrupt, "the token server's answer has no token in it");
  }
  if (const auto found = answer.find("expires_in");
      found != answer.end() && found->is_number_integer()) {
    const auto seconds =
        std::chrono::seconds(found->is_number_unsigned() && found->get<std::uint64_t>() > 1'000'000
                                 ? 1'000'000
                                 : found->get<std::int64_t>());
    if (seconds.count() > 0) token.lifetime = std::min(seconds, kLongestLife);
  }
  return token;
}

std::string ReasonOf(std::string_view json) {
  const Result<nlohmann::json> parsed = ParseBoundedJson("a refusal", json, kMaxTokenAnswer);
  if (!parsed.ok() || !parsed->is_object()) return {};
  std::string reason;
  if (const auto errors = parsed->find("errors");
      errors != parsed->end() && errors->is_array() && !errors->empty()) {
    reason = TextAt((*errors)[0], "message");
    if (reason.empty()) reason = TextAt((*errors)[0], "code");
  }
  for (const char* key : {"error_description", "details", "message", "error"}) {
    if (reason.empty()) reason = TextAt(*parsed, key);
  }
  std::ranges::replace(reason, '\n', ' ');
  return PrintableText(std::string_view(reason).substr(0, kMaxReason));
}

}  // namespace boxlite

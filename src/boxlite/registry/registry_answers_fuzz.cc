// Any bytes as what a registry, its token server, a credential helper or the user's files say: an
// error or a bounded value, never a crash, and nothing that could break a header or a terminal.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "boxlite/registry/blob_source.h"
#include "boxlite/registry/challenge.h"
#include "boxlite/registry/credential_helper.h"
#include "boxlite/registry/docker_config.h"
#include "boxlite/registry/http.h"
#include "boxlite/registry/registry_config.h"
#include "boxlite/registry/retry.h"
#include "boxlite/registry/url.h"

namespace {

using namespace boxlite;

void Require(bool condition) {
  if (!condition) std::abort();
}

bool Printable(const std::string& text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') return false;
  }
  return true;
}

void Head(std::string_view text) {
  HttpHead head;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    TakeHeaderLine(text.substr(0, end), head);
    text.remove_prefix(end);
  }
  Require(head.status >= 0 && head.status <= 999);
  const auto challenges = ParseChallenges(head.All("www-authenticate"));
  Require(challenges.size() <= 16);
  for (const Challenge& challenge : challenges) {
    Require(!challenge.scheme.empty() && challenge.parameters.size() <= 16);
  }
  static const Url kHome = *Url::Parse("https://registry.test:5000/v2/r/blobs/x");
  const Result<Url> next = kHome.Follow(head.Find("location").value_or(""));
  if (next.ok()) {
    Require(Printable(next->Shown()));
    const Result<Url> again = Url::Parse(next->text());
    Require(again.ok() && again->SameOrigin(*next));
  } else {
    Require(Printable(next.error().message()));
  }
  ParseRetryAfter(head.Find("retry-after").value_or(""), 0);
  if (const auto range = ParseContentRange(head.Find("content-range").value_or(""))) {
    Require(range->first <= range->last);
  }
}

void Config(std::string_view text) {
  const Result<RegistryConfig> config = ParseRegistryConfig(text, "registries.json");
  if (!config.ok()) return;
  Require(!config->SearchOrder().empty());
  for (const RegistryEntry& entry : config->registries) {
    Require(config->For(entry.host).host == entry.host);
  }
}

void Docker(std::string_view text) {
  Result<DockerConfig> config = DockerConfig::Parse(text, "config.json");
  if (!config.ok()) return;
  config->HelperFor("docker.io");
  static_cast<void>(config->Find("h").ok());
  config->Set("h", "me", "word");
  const Result<DockerConfig> again = DockerConfig::Parse(config->Text(), "config.json");
  Require(again.ok() && (*again->Find("h"))->secret == "word");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'h':
      Head(text);
      break;
    case 't': {
      const Result<Token> token = ParseTokenAnswer(text);
      Require(!token.ok() || (IsTokenText(token->text) && token->lifetime.count() > 0));
      Require(Printable(ReasonOf(text)));
      break;
    }
    case 'r':
      Config(text);
      break;
    case 'd':
      Docker(text);
      break;
    default:
      static_cast<void>(ParseHelperAnswer(std::string(text)).ok());
  }
  return 0;
}

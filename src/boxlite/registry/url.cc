#include "boxlite/registry/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "boxlite/base/printable_text.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxUrl = 16384;  // signed addresses of storage services have thousands

char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct FreeHandle {
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
using Handle = std::unique_ptr<CURLU, FreeHandle>;

// nullopt where the URL has no such part.
std::optional<std::string> Part(CURLU* handle, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(handle, part, &text, 0) != CURLUE_OK) return std::nullopt;
  std::string copy(text);
  curl_free(text);
  return copy;
}

Error NoUrl(std::string_view text, const std::string& why) {
  const std::string_view shown = text.substr(0, std::min<std::size_t>(text.find('?'), 200));
  return {ErrorCode::kInvalidArgument, "'" + PrintableText(shown) + "' is no address: " + why};
}

Status Set(CURLU* handle, std::string_view text) {
  if (text.size() > kMaxUrl) return NoUrl(text, "it is too long");
  if (text.find('\0') != std::string_view::npos) return NoUrl(text, "it has a null byte");
  const CURLUcode code =
      curl_url_set(handle, CURLUPART_URL, std::string(text).c_str(), CURLU_URLENCODE);
  if (code != CURLUE_OK) return NoUrl(text, curl_url_strerror(code));
  return {};
}

}  // namespace

std::string EscapeForQuery(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      escaped += c;
      continue;
    }
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    escaped += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return escaped;
}

Result<Url> Url::Parse(std::string_view text) {
  // An absolute one is never relative to this.
  Url base;
  base.text_ = "https://invalid/";
  const auto begins = [&](std::string_view scheme) {
    return text.size() > scheme.size() &&
           std::equal(scheme.begin(), scheme.end(), text.begin(),
                      [](char a, char b) { return a == LowerCase(b); });
  };
  if (!begins("https://") && !begins("http://")) {
    return NoUrl(text, "it begins with neither https:// nor http://");
  }
  return base.Follow(text);
}

Result<Url> Url::Follow(std::string_view location) const {
  Handle handle(curl_url());
  BOXLITE_CHECK(handle != nullptr);
  BOXLITE_RETURN_IF_ERROR(Set(handle.get(), text_));
  BOXLITE_RETURN_IF_ERROR(Set(handle.get(), location));
  if (Part(handle.get(), CURLUPART_USER) || Part(handle.get(), CURLUPART_PASSWORD)) {
    return NoUrl("(not shown)", "it has a user or a password in it");
  }
  curl_url_set(handle.get(), CURLUPART_FRAGMENT, nullptr, 0);
  const std::optional<std::string> scheme = Part(handle.get(), CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") return NoUrl(location, "it is neither https nor http");
  const std::optional<std::string> text = Part(handle.get(), CURLUPART_URL);
  const std::optional<std::string> host = Part(handle.get(), CURLUPART_HOST);
  if (!text || !host || host->empty()) return NoUrl(location, "it names no host");
  Url url;
  url.text_ = *text;
  url.https_ = scheme == "https";
  url.host_ = *host;
  std::ranges::transform(url.host_, url.host_.begin(), LowerCase);
  const std::optional<std::string> port = Part(handle.get(), CURLUPART_PORT);
  if (port && port != (url.https_ ? "443" : "80")) url.host_ += ":" + *port;
  return url;
}

Url Url::WithQuery(std::string_view name, std::string_view value) const {
  Url url = *this;
  url.text_ += url.text_.find('?') == std::string::npos ? '?' : '&';
  url.text_ += EscapeForQuery(name) + "=" + EscapeForQuery(value);
  return url;
}

std::string Url::Shown() const {
  return PrintableText(std::string_view(text_).substr(0, text_.find('?')));
}

}  // namespace boxlite

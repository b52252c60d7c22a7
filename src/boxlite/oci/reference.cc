#include "boxlite/oci/reference.h"

#include <algorithm>

namespace boxlite {
namespace {

constexpr std::string_view kLibrary = "library/";
constexpr std::size_t kMaxText = 4096;  // of what is looked at at all
constexpr std::size_t kMaxPath = 255;   // as the registries' own limit
constexpr std::size_t kMaxHost = 260;   // a name of DNS and a port
constexpr std::size_t kMaxTag = 128;
constexpr std::size_t kMaxPort = 65535;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlphanumeric(char c) { return IsLower(c) || IsUpper(c) || IsDigit(c); }
bool IsLowerHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsHexDigit(char c) { return IsLowerHex(c) || (c >= 'A' && c <= 'F'); }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (IsUpper(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool HasUpper(std::string_view text) { return std::ranges::any_of(text, IsUpper); }

// For messages: what a terminal can show, and not too much of it.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 200)) shown += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > 200) shown += "...";
  return "'" + shown + "'";
}

Error Invalid(std::string_view text, const std::string& why) {
  return {ErrorCode::kInvalidArgument, Shown(text) + " is no name of an image: " + why};
}

// domain-component: letters, digits, and '-' inside.
bool IsHostLabel(std::string_view label) {
  return !label.empty() && IsAlphanumeric(label.front()) && IsAlphanumeric(label.back()) &&
         std::ranges::all_of(label, [](char c) { return IsAlphanumeric(c) || c == '-'; });
}

bool IsHostName(std::string_view name) {
  for (;;) {
    const std::size_t dot = name.find('.');
    if (!IsHostLabel(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool IsPort(std::string_view port) {
  if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, IsDigit)) return false;
  const std::size_t number = std::stoul(std::string(port));
  return number >= 1 && number <= kMaxPort;
}

bool IsHost(std::string_view host) {
  if (host.size() > kMaxHost) return false;
  std::string_view port;
  bool has_port = false;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    const std::string_view address = host.substr(1, end - 1);
    if (!std::ranges::all_of(address, [](char c) { return IsHexDigit(c) || c == ':'; })) {
      return false;
    }
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return false;
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const std::size_t colon = host.find(':');
    if (!IsHostName(host.substr(0, colon))) return false;
    has_port = colon != std::string_view::npos;
    if (has_port) port = host.substr(colon + 1);
  }
  return !has_port || IsPort(port);
}

// path-component: runs of lower-case letters and digits, between them '.', '_', "__" or any '-'.
bool IsPathComponent(std::string_view part) {
  const auto is_word = [](char c) { return IsLower(c) || IsDigit(c); };
  if (part.empty() || !is_word(part.front()) || !is_word(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_word(part[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < part.size() && !is_word(part[end])) ++end;
    const std::string_view between = part.substr(i, end - i);
    const bool dashes = std::ranges::all_of(between, [](char c) { return c == '-'; });
    if (!dashes && between != "." && between != "_" && between != "__") return false;
    i = end;
  }
  return true;
}

bool IsPath(std::string_view path) {
  for (;;) {
    const std::size_t slash = path.find('/');
    if (!IsPathComponent(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool IsTag(std::string_view tag) {
  const auto is_word = [](char c) { return IsAlphanumeric(c) || c == '_'; };
  return !tag.empty() && tag.size() <= kMaxTag && is_word(tag.front()) &&
         std::ranges::all_of(tag, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// Whether what stands before the first '/' is a registry and not a part of the path.
bool LooksLikeHost(std::string_view first) {
  return Lower(first) == "localhost" || first.find_first_of(".:[") != std::string_view::npos;
}

std::string WithLibrary(std::string_view host, const std::string& path) {
  const bool add = host == kDockerHub && path.find('/') == std::string::npos;
  return add ? std::string(kLibrary) + path : path;
}

std::string WithEnd(std::string name, const std::optional<std::string>& tag,
                    const std::optional<Digest>& digest) {
  if (tag) name += ":" + *tag;
  if (digest) name += "@" + digest->text();
  return name;
}

}  // namespace

Result<std::string> ParseRegistryHost(std::string_view text) {
  if (text.find("://") != std::string_view::npos) {
    return Error(ErrorCode::kInvalidArgument,
                 Shown(text) + " is no registry: HOST or HOST:PORT without a scheme");
  }
  if (!IsHost(text)) {
    return Error(ErrorCode::kInvalidArgument, Shown(text) + " is no registry: HOST or HOST:PORT");
  }
  std::string host = Lower(text);
  return host == "index.docker.io" ? std::string(kDockerHub) : host;
}

Result<Reference> Reference::Parse(std::string_view text) {
  if (text.empty()) return Error(ErrorCode::kInvalidArgument, "an image's name is empty");
  if (text.size() > kMaxText) return Invalid(text, "it is too long");
  if (text.size() == 64 && std::ranges::all_of(text, IsLowerHex)) {
    return Invalid(text,
                   "64 hexadecimal digits are an image's id; a registry wants NAME@sha256:ID");
  }
  if (text.find("://") != std::string_view::npos) {
    return Invalid(text, "write it without a scheme: HOST/NAME");
  }
  Reference reference;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    Result<Digest> digest = Digest::Parse(rest.substr(at + 1));
    if (!digest.ok()) return std::move(digest).error().While(Shown(text));
    reference.digest_ = std::move(*digest);
    rest = rest.substr(0, at);
  }
  const std::size_t slash = rest.find('/');
  const std::string_view first = rest.substr(0, slash);
  reference.host_ = kDockerHub;
  if (slash != std::string_view::npos && LooksLikeHost(first)) {
    Result<std::string> host = ParseRegistryHost(first);
    if (!host.ok()) return Invalid(text, Shown(first) + " is no HOST or HOST:PORT");
    reference.host_ = std::move(*host);
    reference.qualified_ = true;
    rest.remove_prefix(slash + 1);
  }
  if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    const std::string_view tag = rest.substr(colon + 1);
    if (!IsTag(tag)) {
      return Invalid(text, "the tag " + Shown(tag) +
                               " is not of at most 128 letters, digits, '_', '.' and '-'");
    }
    reference.tag_ = std::string(tag);
    rest = rest.substr(0, colon);
  }
  if (HasUpper(rest)) {
    const bool registry =
        !reference.qualified_ && slash != std::string_view::npos && HasUpper(first);
    return Invalid(
        text, "names are written in lower case" +
                  (registry ? ", and a registry with a '.' or a port" : ": " + Shown(Lower(rest))));
  }
  if (!IsPath(rest)) {
    return Invalid(text,
                   "a name has parts of lower-case letters and digits, with single '.', '_', "
                   "'__' or '-' between them, and '/' between parts");
  }
  reference.written_path_ = std::string(rest);
  reference.path_ = WithLibrary(reference.host_, reference.written_path_);
  if (reference.path_.size() > kMaxPath) {
    return Invalid(text, "it has more than 255 characters");
  }
  if (!reference.tag_ && !reference.digest_) reference.tag_ = "latest";
  return reference;
}

Reference Reference::At(const std::string& host) const {
  Reference other = *this;
  other.host_ = host;
  other.path_ = WithLibrary(host, written_path_);
  other.qualified_ = true;
  return other;
}

Reference Reference::WithDigest(const Digest& digest) const {
  Reference other = *this;
  other.tag_.reset();
  other.digest_ = digest;
  return other;
}

std::string Reference::Full() const { return WithEnd(name(), tag_, digest_); }

std::string Reference::Familiar() const {
  if (host_ != kDockerHub) return Full();
  std::string_view path = path_;
  if (path.starts_with(kLibrary) && path.find('/', kLibrary.size()) == std::string_view::npos) {
    path.remove_prefix(kLibrary.size());
  }
  // "docker.io/a.b/c" would be read as a registry a.b.
  const std::size_t slash = path.find('/');
  if (slash != std::string_view::npos && LooksLikeHost(path.substr(0, slash))) return Full();
  return WithEnd(std::string(path), tag_, digest_);
}

}  // namespace boxlite

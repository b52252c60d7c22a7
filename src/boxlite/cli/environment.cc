#include "boxlite/cli/environment.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "boxlite/base/fd.h"

namespace boxlite::cli {
namespace {

constexpr std::size_t kMaxFileBytes = 16 * 1024 * 1024;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlanks = " \t\v\f\r";

Error Invalid(const std::string& message) { return Error(ErrorCode::kInvalidArgument, message); }

Result<std::string> ReadToEnd(int fd) {
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("read it");
    if (count == 0) return content;
    content.append(buffer, static_cast<std::size_t>(count));
    if (content.size() > kMaxFileBytes) return Invalid("it is larger than 16 MiB");
  }
}

Status AddLine(std::string_view line, const Lookup& lookup, Environment& environment) {
  const std::size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos || line[begin] == '#') return {};
  line.remove_prefix(begin);
  if (line.find('\0') != std::string_view::npos) {
    return Invalid("it contains a NUL byte, which no variable can hold");
  }
  const std::string_view name = line.substr(0, line.find('='));
  if (name.find_first_of(kBlanks) != std::string_view::npos) {
    return Invalid("the name '" + std::string(name) + "' contains white space");
  }
  return AddVariable(std::string(line), lookup, environment);
}

}  // namespace

std::optional<std::string> LookupInProcess(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Status AddVariable(const std::string& text, const Lookup& lookup, Environment& environment) {
  if (text.empty() || text[0] == '=') {
    return Invalid("'" + text + "' has no name: say NAME=VALUE, or NAME for the caller's value");
  }
  if (text.find('=') != std::string::npos) {
    environment.variables.push_back(text);
  } else if (const std::optional<std::string> value = lookup(text)) {
    environment.variables.push_back(text + "=" + *value);
  } else {
    environment.unknown.push_back(text);
  }
  return {};
}

Status AddVariables(std::string_view content, const std::string& name, const Lookup& lookup,
                    Environment& environment) {
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = content.find('\n');
    std::string_view line = content.substr(0, end);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (Status added = AddLine(line, lookup, environment); !added.ok()) {
      return std::move(added).error().While(name + " line " + std::to_string(number));
    }
  }
  return {};
}

Status AddFile(const std::string& path, const Lookup& lookup, Environment& environment) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError("open the env file " + path);
  Result<std::string> content = ReadToEnd(fd.get());
  if (!content.ok()) return std::move(content).error().While("the env file " + path);
  return AddVariables(*content, path, lookup, environment);
}

}  // namespace boxlite::cli

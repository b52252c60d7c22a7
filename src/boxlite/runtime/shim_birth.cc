#include "boxlite/runtime/shim_birth.h"

#include <unistd.h>

#include <cerrno>

namespace boxlite {
namespace {

constexpr std::string_view kMagic = "BXL1";
constexpr std::size_t kHeaderSize = 16;

std::uint64_t Fnv1a(std::string_view bytes) {
  // Constants of FNV-1a, 64 bit.
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

void AppendLittleEndian(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint64_t LittleEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return value;
}

}  // namespace

MainInput MainInputFor(const BoxSpec& spec, StartedBy starter) {
  if (spec.terminal) return MainInput::kStaysOpen;
  switch (starter) {
    case StartedBy::kAttachedClient:
      return spec.interactive ? MainInput::kEndsWithClient : MainInput::kEndsAtOnce;
    case StartedBy::kFollowingClient:
      return MainInput::kEndsWithClient;
    case StartedBy::kNobody:
      return spec.interactive ? MainInput::kStaysOpen : MainInput::kEndsWithClient;
  }
  return MainInput::kEndsWithClient;
}

std::string FrameBirth(std::string_view body) {
  std::string framed(kMagic);
  AppendLittleEndian(framed, body.size(), 4);
  AppendLittleEndian(framed, Fnv1a(body), 8);
  framed.append(body);
  return framed;
}

Result<std::string> ReadFramedBirth(int fd) {
  std::string bytes;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("read the birth message");
    if (count == 0) break;
    bytes.append(buffer, static_cast<std::size_t>(count));
    if (bytes.size() > kMaxBirthBytes) {
      return Error(ErrorCode::kCorrupt, "the birth message is too large");
    }
  }
  const std::string_view all = bytes;
  if (all.size() < kHeaderSize || all.substr(0, 4) != kMagic ||
      all.size() != kHeaderSize + LittleEndian(all.substr(4, 4)) ||
      Fnv1a(all.substr(kHeaderSize)) != LittleEndian(all.substr(8, 8))) {
    return Error(ErrorCode::kCorrupt, "the birth message was cut short: its sender died");
  }
  return std::string(all.substr(kHeaderSize));
}

}  // namespace boxlite

// For this folder's tests: hostile and odd tar streams made by hand, and trees to look at.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "boxlite/base/files.h"
#include "boxlite/base/testing.h"
#include "boxlite/copy/pack.h"
#include "boxlite/copy/tar_writer.h"
#include "boxlite/copy/unpack.h"

namespace boxlite {

class TarText {
 public:
  TarText& Add(TarEntry entry, const std::string& content = "") {
    entry.size = content.size();
    bytes_ += EncodeTarHeader(entry) + content + std::string(TarPadding(content.size()), '\0');
    return *this;
  }
  TarText& File(const std::string& name, const std::string& content = "x", unsigned mode = 0644) {
    TarEntry entry;
    entry.name = name;
    entry.mode = mode;
    return Add(entry, content);
  }
  TarText& Directory(const std::string& name, unsigned mode = 0755) {
    return Of(TarEntry::Kind::kDirectory, name, "", mode);
  }
  TarText& Symlink(const std::string& name, const std::string& target) {
    return Of(TarEntry::Kind::kSymlink, name, target, 0777);
  }
  TarText& HardLink(const std::string& name, const std::string& target) {
    return Of(TarEntry::Kind::kHardLink, name, target, 0644);
  }
  TarText& Of(TarEntry::Kind kind, const std::string& name, const std::string& link = "",
              unsigned mode = 0644) {
    TarEntry entry;
    entry.kind = kind;
    entry.name = name;
    entry.link = link;
    entry.mode = mode;
    return Add(entry);
  }
  TarText& Raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  std::string Bytes() const { return bytes_ + EncodeTarEnd(); }
  std::string Cut() const { return bytes_; }

 private:
  std::string bytes_;
};

inline std::string Slurp(const std::string& path) {
  Result<std::string> text = ReadFile(AT_FDCWD, path, 1 << 24);
  return text.ok() ? *text : "(" + text.error().message() + ")";
}

inline void Spill(const std::string& path, const std::string& text, mode_t mode = 0644) {
  Fd fd(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644));
  ASSERT_TRUE(fd.valid()) << path;
  ASSERT_THAT(WriteAll(fd.get(), text), IsOk());
  ASSERT_EQ(::fchmod(fd.get(), mode), 0);
}

inline bool Exists(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0;
}

inline mode_t ModeOf(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

inline std::string TargetOf(const std::string& path) {
  char target[4096];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size < 0 ? "(none)" : std::string(target, static_cast<std::size_t>(size));
}

// Unpacks in pieces of `step` bytes.
inline Status Unpack(UnpackOptions options, const std::string& stream, std::size_t step = 7777) {
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<Unpacker> unpacker, Unpacker::Open(std::move(options)));
  for (std::size_t at = 0; at < stream.size(); at += step) {
    BOXLITE_RETURN_IF_ERROR(unpacker->Feed(std::string_view(stream).substr(at, step)));
  }
  return unpacker->Finish();
}

inline Result<std::string> Pack(PackOptions options, std::size_t step = 7777) {
  BOXLITE_ASSIGN_OR_RETURN(std::unique_ptr<Packer> packer, Packer::Open(std::move(options)));
  std::string stream;
  std::string buffer(step, '\0');
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, packer->Read(buffer.data(), step));
    if (count == 0) return stream;
    stream.append(buffer, 0, count);
  }
}

}  // namespace boxlite

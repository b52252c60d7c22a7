// For tests only: archives made by hand.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "boxlite/base/testing.h"
#include "boxlite/copy/tar_writer.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

inline std::string TarMember(TarEntry entry, const std::string& content = "") {
  entry.size = content.size();
  if (entry.mode == 0) entry.mode = 0644;
  return EncodeTarHeader(entry) + content + std::string(TarPadding(content.size()), '\0');
}

inline std::string TarFile(const std::string& name, const std::string& content) {
  TarEntry entry;
  entry.name = name;
  return TarMember(entry, content);
}

inline std::string TarLink(TarEntry::Kind kind, const std::string& name, const std::string& to) {
  TarEntry entry;
  entry.kind = kind;
  entry.name = name;
  entry.link = to;
  return TarMember(entry);
}

inline std::string TarOf(const std::vector<std::string>& members) {
  std::string tar;
  for (const std::string& member : members) tar += member;
  return tar + EncodeTarEnd();
}

// A file with these bytes, at its beginning.
inline Fd FileOf(const TestDirectory& directory, const std::string& bytes) {
  const std::string name = "file-" + RandomHex(4);
  BOXLITE_CHECK(WriteFileAtomically(directory.fd(), name, bytes, Durability::kVolatile).ok());
  Fd file(::openat(directory.fd(), name.c_str(), O_RDWR | O_CLOEXEC));
  BOXLITE_CHECK(file.valid());
  return file;
}

inline std::string ReadAt(int fd, std::size_t most = 1 << 20) {
  std::string text(most, '\0');
  const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

// What docker save writes of one image with one layer.
struct DockerArchive {
  std::string layer = TarOf({TarFile("etc/hello", "hello\n")});
  std::string names = R"(["app:1"])";
  std::string config_more;

  std::string config() const {
    return R"({"os":"linux","architecture":")" + architecture + R"(","config":{"Cmd":["sh"]})" +
           config_more + R"(,"rootfs":{"type":"layers","diff_ids":[")" +
           Sha256::Of(said_layer.empty() ? layer : said_layer).text() + R"("]}})";
  }
  std::string Bytes() const {
    return TarOf({TarFile("l/layer.tar", layer), TarFile("c.json", config()),
                  TarFile("manifest.json", R"([{"Config":"c.json","RepoTags":)" + names +
                                               R"(,"Layers":["l/layer.tar"]}])")});
  }

  std::string said_layer;  // whose digest the configuration gives; empty: layer's
#if defined(__aarch64__)
  std::string architecture = "arm64";
#else
  std::string architecture = "amd64";
#endif
};

}  // namespace boxlite

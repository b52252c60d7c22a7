// write_base_tool OUT LAYER...: what WriteBase() makes of files with layers, for tests and bench/.
// A layer is FILE or FILE=DIFF_ID; +FILE is fetched ahead, as from a network. Prints the base's
// facts as one line of JSON.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/disk/write_base.h"

namespace boxlite {
namespace {

class FileSource final : public ByteSource {
 public:
  explicit FileSource(Fd fd) : fd_(std::move(fd)) {}
  Result<std::size_t> Read(std::span<char> room) override {
    const ssize_t count = ::read(fd_.get(), room.data(), room.size());
    if (count < 0) return ErrnoError("read a layer");
    return static_cast<std::size_t>(count);
  }

 private:
  Fd fd_;
};

class FileLayers final : public LayerOpener {
 public:
  explicit FileLayers(std::vector<std::string> words) : words_(std::move(words)) {}
  std::size_t count() const override { return words_.size(); }
  Result<LayerSource> Open(std::size_t index) override {
    std::string path = words_[index];
    LayerSource layer;
    if (path.starts_with('+')) {
      layer.arrival = Arrival::kFetchAhead;
      path.erase(0, 1);
    }
    if (const std::size_t at = path.find('='); at != std::string::npos) {
      BOXLITE_ASSIGN_OR_RETURN(layer.diff_id, Digest::Parse(path.substr(at + 1)));
      path.resize(at);
    }
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return ErrnoError("open " + path);
    layer.bytes = std::make_unique<FileSource>(std::move(fd));
    return layer;
  }

 private:
  std::vector<std::string> words_;
};

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s OUT [+]LAYER[=DIFF_ID]...\n", argv[0]);
    return 2;
  }
  FileLayers layers(std::vector<std::string>(argv + 2, argv + argc));
  const auto start = std::chrono::steady_clock::now();
  const Result<BaseFacts> facts = WriteBase(layers, "sha256:tool", AT_FDCWD, argv[1]);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (!facts.ok()) {
    std::fprintf(stderr, "%s: %s\n", std::string(ErrorCodeName(facts.error().code())).c_str(),
                 facts.error().message().c_str());
    return 1;
  }
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"seconds\": %.4f, \"size_bytes\": %llu, \"used_bytes\": %llu, \"entries\": %llu, "
      "\"peak_rss_kib\": %ld}\n",
      took.count(), static_cast<unsigned long long>(facts->size_bytes),
      static_cast<unsigned long long>(facts->used_bytes),
      static_cast<unsigned long long>(facts->entries), usage.ru_maxrss);
  return 0;
}

}  // namespace
}  // namespace boxlite

int main(int argc, char** argv) { return boxlite::Main(argc, argv); }

// A tar stream from a hostile guest, unpacked on the host: nothing beside the destination may
// change, and nothing may be held back by what is claimed in headers.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "boxlite/base/files.h"
#include "boxlite/copy/unpack.h"

namespace boxlite {
namespace {

// Beside the destination: a file that links may aim at. What it looks like to stat(), as text.
struct World {
  std::string root = "/tmp/boxlite-fuzz-XXXXXX";
  World() {
    BOXLITE_CHECK(::mkdtemp(root.data()) != nullptr);
    BOXLITE_CHECK(::mkdir((root + "/o").c_str(), 0755) == 0);
    Fd fd(::open((root + "/o/f").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    BOXLITE_CHECK(fd.valid() && WriteAll(fd.get(), "kept").ok());
  }
  ~World() { static_cast<void>(RemoveTree(AT_FDCWD, root).ok()); }

  std::string Look() const {
    std::string text;
    for (const char* name : {"", "/o", "/o/f"}) {
      struct stat info = {};
      BOXLITE_CHECK(::lstat((root + name).c_str(), &info) == 0);
      for (const auto number :
           {static_cast<std::uint64_t>(info.st_mode), static_cast<std::uint64_t>(info.st_nlink),
            static_cast<std::uint64_t>(info.st_size),
            static_cast<std::uint64_t>(info.st_ctim.tv_sec),
            static_cast<std::uint64_t>(info.st_ctim.tv_nsec)}) {
        text += std::to_string(number) + " ";
      }
    }
    return text;
  }
};

// The checksum of each block of the input is made right, so that the fuzzer gets past it.
std::string Sealed(const std::uint8_t* data, std::size_t size) {
  std::string stream(reinterpret_cast<const char*>(data), size);
  for (std::size_t at = 0; at + kTarBlock <= stream.size(); at += kTarBlock) {
    if (stream.compare(at + 257, 5, "ustar") != 0) continue;
    stream.replace(at + 148, 8, "        ");
    unsigned sum = 0;
    for (std::size_t i = 0; i < kTarBlock; ++i) sum += static_cast<unsigned char>(stream[at + i]);
    for (int digit = 5; digit >= 0; --digit, sum >>= 3) {
      stream[at + 148 + static_cast<std::size_t>(digit)] = static_cast<char>('0' + (sum & 7));
    }
  }
  return stream;
}

void Fuzz(const std::uint8_t* data, std::size_t size) {
  static const World world;
  static const std::string before = [] {
    BOXLITE_CHECK(::mkdir((world.root + "/in").c_str(), 0755) == 0);
    return world.Look();
  }();
  if (size == 0) return;
  const std::string in = world.root + "/in/x";
  BOXLITE_CHECK(::mkdir(in.c_str(), 0755) == 0);
  BOXLITE_CHECK(::symlink("../../o", (in + "/old").c_str()) == 0);
  {
    UnpackOptions options;
    options.directory = in;
    if ((data[0] & 1) != 0) options.root_name = "a";
    options.one_file = (data[0] & 2) != 0 && !options.root_name.empty();
    options.make_fifos = (data[0] & 4) != 0;
    Result<std::unique_ptr<Unpacker>> unpacker = Unpacker::Open(options);
    BOXLITE_CHECK(unpacker.ok());
    const std::string stream = Sealed(data + 1, size - 1);
    const std::size_t half = stream.size() / 2;
    if ((*unpacker)->Feed(std::string_view(stream).substr(0, half)).ok() &&
        (*unpacker)->Feed(std::string_view(stream).substr(half)).ok()) {
      static_cast<void>((*unpacker)->Finish().ok());
    }
  }
  BOXLITE_CHECK(world.Look() == before);
  // A directory may have been made unreadable, which only root does not notice.
  if (!RemoveTree(AT_FDCWD, in).ok()) {
    BOXLITE_CHECK(::rename(in.c_str(), (in + RandomHex(8)).c_str()) == 0);
  }
}

}  // namespace
}  // namespace boxlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  boxlite::Fuzz(data, size);
  return 0;
}

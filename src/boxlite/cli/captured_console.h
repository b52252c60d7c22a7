// A Console whose output a test can read: both streams are files in memory.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/cli/console.h"

namespace boxlite::cli {

class CapturedConsole {
 public:
  CapturedConsole()
      : out_(::memfd_create("out", MFD_CLOEXEC)), err_(::memfd_create("err", MFD_CLOEXEC)) {}

  Console& console() { return console_; }
  std::string out() const { return Read(out_.get()); }
  std::string err() const { return Read(err_.get()); }

 private:
  static std::string Read(int fd) {
    std::string text(1 << 20, '\0');
    const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }

  Fd out_;
  Fd err_;
  Console console_{out_.get(), err_.get()};
};

}  // namespace boxlite::cli

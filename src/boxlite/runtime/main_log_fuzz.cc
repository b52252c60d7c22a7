// main.log as its reader and its next writer find it, after any crash or edit. The input is the
// file.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "boxlite/base/files.h"
#include "boxlite/runtime/main_log.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxInput = 64 * 1024;

int Directory() {
  static const int kFd = [] {
    char path[] = "/tmp/boxlite-fuzz-XXXXXX";
    BOXLITE_CHECK(::mkdtemp(path) != nullptr);
    const int fd = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    static std::string kept = path;
    std::atexit([] { static_cast<void>(RemoveTree(AT_FDCWD, kept).ok()); });
    return fd;
  }();
  return kFd;
}

void WriteLog(std::string_view content) {
  Fd file(::openat(Directory(), "main.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  BOXLITE_CHECK(file.valid() && WriteAll(file.get(), content).ok());
}

void Fuzz(std::string_view content) {
  std::string_view rest = content;
  while (!rest.empty()) {
    Result<ParsedLogRecord> parsed = ParseLogRecord(rest);
    if (!parsed.ok() || parsed->size == 0) break;
    BOXLITE_CHECK(parsed->size <= rest.size() && parsed->record.bytes.size() < parsed->size);
    rest.remove_prefix(parsed->size);
  }
  WriteLog(content);
  const auto ignore = [](const LogRecord&) -> Status { return {}; };
  static_cast<void>(LogReader(Directory(), 0).ReadAvailable(ignore).ok());
  static_cast<void>(LogReader(Directory(), 100).ReadAvailable(ignore).ok());

  // The next life's writer mends it: what it appends is read back, behind what was whole.
  Result<LogWriter> writer = LogWriter::Open(Directory());
  if (!writer.ok()) return;
  const std::uint64_t begin = writer->end();
  BOXLITE_CHECK(writer->Append(LogStream::kStdout, "appended", 1).ok());
  std::string last;
  LogReader reader(Directory(), begin);
  Result<LogReader::Progress> read =
      reader.ReadAvailable([&last](const LogRecord& record) -> Status {
        last = record.bytes;
        return {};
      });
  BOXLITE_CHECK(read.ok() && last.ends_with("appended"));
}

}  // namespace
}  // namespace boxlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= boxlite::kMaxInput) boxlite::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}

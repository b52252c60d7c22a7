#include "boxlite/image/spool.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "boxlite/base/files.h"
#include "boxlite/store/image_making.h"

namespace boxlite {
namespace {

constexpr std::size_t kChunk = 1024 * 1024;
constexpr std::uint64_t kLookAtSpaceEvery = 32ULL << 20;
// Below it nothing is a tar; the magic of every compression is within.
constexpr std::size_t kMagicBytes = 512;
// What an archive may become: more than any image holds, and less than a bomb.
constexpr std::uint64_t kMaxPlainBytes = 256ULL << 30;

struct FreeArchive {
  void operator()(archive* it) const { archive_read_free(it); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

Error ReadError(archive* reader) {
  const char* text = archive_error_string(reader);
  return Error(ErrorCode::kCorrupt, std::string("the archive cannot be read: ") +
                                        (text == nullptr ? "it is damaged" : text));
}

bool IsCompressed(std::string_view begin) {
  using namespace std::string_view_literals;
  for (const std::string_view magic : {"\x1f\x8b"sv, "\x28\xb5\x2f\xfd"sv, "BZh"sv,
                                       "\xfd"sv
                                       "7zXZ\0"sv}) {
    if (begin.starts_with(magic)) return true;
  }
  // A skippable frame of zstd's.
  return begin.size() >= 4 && (begin[0] & 0xf0) == 0x50 && begin.substr(1, 3) == "\x2a\x4d\x18"sv;
}

// The archive as a file that is a plain tar, from its beginning to its end; invalid: it is none.
Result<Fd> AsItIs(int input) {
  struct stat info = {};
  if (::fstat(input, &info) != 0) return ErrnoError("look at the archive");
  if (S_ISDIR(info.st_mode)) return Error(ErrorCode::kInvalidArgument, "this is a directory");
  if (!S_ISREG(info.st_mode) || ::lseek(input, 0, SEEK_CUR) != 0) return Fd();
  char begin[kMagicBytes];
  const ssize_t count = ::pread(input, begin, sizeof begin, 0);
  if (count < 0) return ErrnoError("read the archive");
  if (IsCompressed({begin, static_cast<std::size_t>(count)})) return Fd();
  return DuplicateFd(input);
}

Result<Reader> OpenRaw(int input) {
  Reader reader(archive_read_new());
  if (!reader) return Error(ErrorCode::kResourceExhausted, "no memory to read the archive");
  archive* raw = reader.get();
  // The return values are warnings where a filter would need an external program; these need none.
  archive_read_support_filter_gzip(raw);
  archive_read_support_filter_zstd(raw);
  archive_read_support_filter_bzip2(raw);
  archive_read_support_filter_xz(raw);
  archive_read_support_format_raw(raw);
  archive_read_support_format_empty(raw);
  archive_entry* entry = nullptr;
  if (archive_read_open_fd(raw, input, kChunk) != ARCHIVE_OK) return ReadError(raw);
  const int begun = archive_read_next_header(raw, &entry);
  if (begun == ARCHIVE_EOF) return Error(ErrorCode::kCorrupt, "the archive is empty");
  if (begun != ARCHIVE_OK) return ReadError(raw);
  return reader;
}

}  // namespace

Result<Fd> MakeUnlinkedFile(int dir_fd) {
  Fd file(::openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  // Some filesystems lack O_TMPFILE.
  const std::string name = "spool-" + RandomHex(8);
  file.Reset(::openat(dir_fd, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return ErrnoError("make a file for the archive");
  ::unlinkat(dir_fd, name.c_str(), 0);
  return file;
}

Result<Fd> Spool(int input, int dir_fd) {
  BOXLITE_ASSIGN_OR_RETURN(Fd same, AsItIs(input));
  if (same.valid()) return same;
  BOXLITE_ASSIGN_OR_RETURN(Fd file, MakeUnlinkedFile(dir_fd));
  BOXLITE_ASSIGN_OR_RETURN(Reader reader, OpenRaw(input));
  auto buffer = std::make_unique<char[]>(kChunk);
  std::uint64_t total = 0;
  std::uint64_t looked = 0;
  for (;;) {
    const la_ssize_t count = archive_read_data(reader.get(), buffer.get(), kChunk);
    if (count < 0) return ReadError(reader.get());
    if (count == 0) return file;
    if (total == 0 || total - looked >= kLookAtSpaceEvery) {
      looked = total;
      BOXLITE_RETURN_IF_ERROR(RequireSpace(dir_fd, kLookAtSpaceEvery, "the archive"));
    }
    total += static_cast<std::uint64_t>(count);
    if (total > kMaxPlainBytes) {
      return Error(ErrorCode::kResourceExhausted, "the archive is larger than any image");
    }
    BOXLITE_RETURN_IF_ERROR(
        WriteAll(file.get(), std::string_view(buffer.get(), static_cast<std::size_t>(count))));
  }
}

}  // namespace boxlite

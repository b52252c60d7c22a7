#include "boxlite/disk/layer_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "boxlite/disk/shown_path.h"

namespace boxlite {
namespace {

// What libarchive may read before it returns: it keeps in memory what it reads of headers and of
// maps of holes.
constexpr std::uint64_t kMaxHeaders = 16 << 20;
constexpr std::size_t kTarBlock = 512;
// Before every stream: a symbolic link that is skipped. Without a link before it, libarchive 3.6
// loses the target of one whose header has none, only a pax record; Go's writer makes such headers
// of targets without an ASCII character.
constexpr std::string_view kFirstName = "f";
constexpr std::string_view kFirstTarget = "t";
constexpr std::uint32_t kMaxMajor = (1U << 12) - 1;  // what Linux has bits for
constexpr std::uint32_t kMaxMinor = (1U << 20) - 1;

// libarchive turns names from pax headers into the locale's characters, and on the way normalizes
// them. In the C locale that fails for everything but ASCII, it warns, and leaves the bytes as they
// are: which is what is wanted.
class BytesLocale {
 public:
  BytesLocale() : locale_(::newlocale(LC_ALL_MASK, "C", nullptr)), before_(::uselocale(locale_)) {}
  ~BytesLocale() {
    ::uselocale(before_);
    ::freelocale(locale_);
  }
  BytesLocale(const BytesLocale&) = delete;
  BytesLocale& operator=(const BytesLocale&) = delete;

 private:
  locale_t locale_;
  locale_t before_;
};

std::string FirstEntry() {
  std::string block(kTarBlock, '\0');
  block.replace(0, kFirstName.size(), kFirstName);
  block[156] = '2';
  block.replace(157, kFirstTarget.size(), kFirstTarget);
  block.replace(257, 8, std::string_view("ustar\00000", 8));
  block.replace(148, 8, 8, ' ');
  std::uint32_t sum = 0;
  for (const char byte : block) sum += static_cast<unsigned char>(byte);
  for (std::size_t digit = 154; digit-- > 148; sum >>= 3) {
    block[digit] = static_cast<char>('0' + (sum & 7));
  }
  return block;
}

bool IsAboutCharacters(const char* warning) {
  return warning != nullptr &&
         std::string_view(warning).find("can't be converted") != std::string_view::npos;
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

Result<std::uint32_t> OwnerId(std::int64_t id, const char* what) {
  // 2^32-1 means "nobody said" to the kernel.
  if (id >= 0 && id < std::numeric_limits<std::uint32_t>::max()) {
    return static_cast<std::uint32_t>(id);
  }
  return Error(ErrorCode::kCorrupt,
               std::string("its ") + what + " " + std::to_string(id) + " is none");
}

Result<FileType> TypeOf(archive_entry* entry) {
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return FileType::kFile;
    case AE_IFDIR:
      return FileType::kDirectory;
    case AE_IFLNK:
      return FileType::kSymlink;
    case AE_IFCHR:
      return FileType::kCharacterDevice;
    case AE_IFBLK:
      return FileType::kBlockDevice;
    case AE_IFIFO:
      return FileType::kFifo;
    default:
      return Error(ErrorCode::kCorrupt, "it has a type that no layer may have");
  }
}

// A text form of an access control list, which star and GNU tar write beside the mode, changes the
// mode in libarchive: the group's bits become the group's, where a mode has the mask there. Such
// lists are not taken (docker and umoci do not either); the mode is put right.
std::uint32_t ModeOf(archive_entry* entry) {
  auto mode = static_cast<std::uint32_t>(archive_entry_perm(entry));
  if (archive_entry_acl_reset(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS) > 0) {
    int type = 0, permissions = 0, tag = 0, id = 0;
    const char* name = nullptr;
    while (archive_entry_acl_next(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &type, &permissions, &tag,
                                  &id, &name) == ARCHIVE_OK) {
      if (tag != ARCHIVE_ENTRY_ACL_MASK) continue;
      mode = (mode & ~070U) | (static_cast<std::uint32_t>(permissions) & 7) << 3;
    }
  }
  return mode & 07777;
}

void TakeTime(archive_entry* entry, Attributes& attributes) {
  attributes.mtime_s = archive_entry_mtime(entry);
  const long nanoseconds = archive_entry_mtime_nsec(entry);
  attributes.mtime_ns = static_cast<std::uint32_t>(std::clamp(nanoseconds, 0L, 999'999'999L));
  // "-1.25" is read as -1 and 0.25.
  if (attributes.mtime_s < 0 && attributes.mtime_ns > 0) {
    attributes.mtime_s -= attributes.mtime_s > std::numeric_limits<std::int64_t>::min() ? 1 : 0;
    attributes.mtime_ns = 1'000'000'000 - attributes.mtime_ns;
  }
}

Status TakeDevice(archive_entry* entry, LayerEntry& out) {
  const auto major = static_cast<std::uint64_t>(archive_entry_rdevmajor(entry));
  const auto minor = static_cast<std::uint64_t>(archive_entry_rdevminor(entry));
  if (major > kMaxMajor || minor > kMaxMinor) {
    return Error(ErrorCode::kCorrupt, "its device number " + std::to_string(major) + ":" +
                                          std::to_string(minor) + " is none");
  }
  out.device_major = static_cast<std::uint32_t>(major);
  out.device_minor = static_cast<std::uint32_t>(minor);
  return {};
}

void TakeXattrs(archive_entry* entry, LayerEntry& out) {
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (name == nullptr) continue;
    const std::string_view bytes(size == 0 ? "" : static_cast<const char*>(value), size);
    out.xattrs.push_back({name, std::string(bytes)});
  }
}

// How many bytes of content must follow: libarchive takes a map of holes that says more than there
// is, or what it cannot make sense of, for an end.
std::uint64_t ContentOf(archive_entry* entry) {
  const auto size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry)));
  if (archive_entry_sparse_reset(entry) == 0) return size;
  std::uint64_t sum = 0;
  la_int64_t offset = 0, length = 0;
  while (archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK) {
    sum += static_cast<std::uint64_t>(length);
  }
  return sum;
}

Status Convert(archive_entry* entry, LayerEntry& out) {
  if (const char* target = archive_entry_hardlink(entry); target != nullptr) {
    out.hard_link = true;
    out.target = target;
    return {};
  }
  BOXLITE_ASSIGN_OR_RETURN(out.type, TypeOf(entry));
  out.attributes.mode = ModeOf(entry);
  BOXLITE_ASSIGN_OR_RETURN(out.attributes.uid, OwnerId(archive_entry_uid(entry), "owner"));
  BOXLITE_ASSIGN_OR_RETURN(out.attributes.gid, OwnerId(archive_entry_gid(entry), "group"));
  TakeTime(entry, out.attributes);
  TakeXattrs(entry, out);
  if (out.type == FileType::kSymlink) out.target = Text(archive_entry_symlink(entry));
  if (out.type == FileType::kCharacterDevice || out.type == FileType::kBlockDevice) {
    BOXLITE_RETURN_IF_ERROR(TakeDevice(entry, out));
  }
  if (out.type != FileType::kFile) return {};
  const std::int64_t size = archive_entry_size(entry);
  if (size < 0) return Error(ErrorCode::kCorrupt, "its size is negative");
  out.size = static_cast<std::uint64_t>(size);
  return {};
}

}  // namespace

struct LayerReader::State {
  explicit State(NextBytes next_bytes) : next(std::move(next_bytes)) {}
  ~State() { archive_read_free(archive); }

  static ssize_t Read(struct archive* archive, void* self, const void** bytes) {
    auto& state = *static_cast<State*>(self);
    if (state.read_in_call > kMaxHeaders) {
      archive_set_error(archive, EIO, "its headers are absurdly large");
      return -1;
    }
    if (state.delivered == 0) {
      state.delivered = kTarBlock;
      *bytes = state.first.data();
      return static_cast<ssize_t>(kTarBlock);
    }
    Result<std::string_view> got = state.next();
    if (!got.ok()) {
      state.error.emplace(std::move(got).error());
      archive_set_error(archive, EIO, "the stream failed");
      return -1;
    }
    state.read_in_call += got->size();
    state.delivered += got->size();
    state.Watch(*got);
    *bytes = got->data();
    return static_cast<ssize_t>(got->size());
  }

  // How many zeros the stream has ended with until now.
  void Watch(std::string_view bytes) {
    const std::size_t last = bytes.find_last_not_of('\0');
    trailing_zeros =
        last == std::string_view::npos ? trailing_zeros + bytes.size() : bytes.size() - last - 1;
  }

  Error Failure() {
    if (error) return *error;
    const char* text = archive_error_string(archive);
    return Error(ErrorCode::kCorrupt,
                 "the tar stream is damaged: " + Text(text == nullptr ? "no reason" : text));
  }

  Status Open() {
    opened = true;
    archive = archive_read_new();
    BOXLITE_CHECK(archive != nullptr);
    BOXLITE_CHECK(archive_read_support_format_tar(archive) == ARCHIVE_OK);
    if (archive_read_open(archive, this, nullptr, Read, nullptr) != ARCHIVE_OK) return Failure();
    archive_entry* entry = nullptr;
    if (archive_read_next_header(archive, &entry) != ARCHIVE_OK) return Failure();
    return {};
  }

  NextBytes next;
  struct archive* archive = nullptr;
  bool opened = false;
  const std::string first = FirstEntry();
  std::uint64_t delivered = 0;
  std::uint64_t content = 0;   // of this entry, given out until now ...
  std::uint64_t expected = 0;  // ... and that it must have in the end
  std::uint64_t read_in_call = 0;
  std::uint64_t trailing_zeros = 0;
  std::optional<Error> error;
};

LayerReader::LayerReader(NextBytes next) : state_(std::make_unique<State>(std::move(next))) {}
LayerReader::~LayerReader() = default;

Result<bool> LayerReader::Next(LayerEntry& out) {
  const BytesLocale locale;
  state_->read_in_call = 0;
  if (!state_->opened) BOXLITE_RETURN_IF_ERROR(state_->Open());
  archive_entry* entry = nullptr;
  const int outcome = archive_read_next_header(state_->archive, &entry);
  if (outcome == ARCHIVE_EOF) return false;
  if (outcome != ARCHIVE_OK && outcome != ARCHIVE_WARN) return state_->Failure();
  if (outcome == ARCHIVE_WARN && !IsAboutCharacters(archive_error_string(state_->archive))) {
    return state_->Failure().While(ShownPath(Text(archive_entry_pathname(entry))));
  }
  state_->content = 0;
  state_->expected = archive_entry_filetype(entry) == AE_IFREG ? ContentOf(entry) : 0;
  out = LayerEntry();
  out.path = Text(archive_entry_pathname(entry));
  Status converted = Convert(entry, out);
  if (!converted.ok()) return std::move(converted).error().While(ShownPath(out.path));
  return true;
}

Result<bool> LayerReader::ReadContent(Piece& piece) {
  state_->read_in_call = 0;
  const void* bytes = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  const int outcome = archive_read_data_block(state_->archive, &bytes, &size, &offset);
  const Error contradiction(ErrorCode::kCorrupt, "its size or its map of holes is wrong");
  if (outcome == ARCHIVE_EOF) {
    if (state_->content < state_->expected) return contradiction;
    return false;
  }
  if (outcome != ARCHIVE_OK) return state_->Failure();
  if (offset < 0) return contradiction;
  state_->content += size;
  piece.offset = static_cast<std::uint64_t>(offset);
  piece.bytes = {static_cast<const char*>(bytes), size};
  return true;
}

Status LayerReader::Finish(EndMarker end_marker) {
  const Error garbage(ErrorCode::kCorrupt, "garbage follows the end of its archive");
  if (state_->archive != nullptr) {
    // What libarchive was given and has not used.
    const auto used = static_cast<std::uint64_t>(archive_filter_bytes(state_->archive, 0));
    if (state_->delivered - used > state_->trailing_zeros) return garbage;
  }
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const std::string_view bytes, state_->next());
    if (bytes.empty()) break;
    if (bytes.find_first_not_of('\0') != std::string_view::npos) return garbage;
    state_->trailing_zeros += bytes.size();
  }
  if (end_marker == EndMarker::kNeeded && state_->trailing_zeros < 2 * kTarBlock) {
    return Error(ErrorCode::kCorrupt, "the tar stream has no end: it was cut");
  }
  return {};
}

}  // namespace boxlite

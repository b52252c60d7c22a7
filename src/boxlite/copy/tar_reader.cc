#include "boxlite/copy/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace boxlite {
namespace {

struct Field {
  std::size_t offset;
  std::size_t size;
};
constexpr Field kName = {0, 100}, kMode = {100, 8}, kUid = {108, 8}, kGid = {116, 8},
                kSize = {124, 12}, kMtime = {136, 12}, kChecksum = {148, 8}, kLink = {157, 100},
                kMagic = {257, 6}, kMajor = {329, 8}, kMinor = {337, 8}, kPrefix = {345, 155};
constexpr std::size_t kTypeOffset = 156;
constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int64_t>::max();

Error Corrupt(const std::string& what) {
  return Error(ErrorCode::kCorrupt, "this is no valid tar stream: " + what);
}

std::string_view Bytes(std::string_view block, Field field) {
  return block.substr(field.offset, field.size);
}

std::string_view UntilNul(std::string_view text) { return text.substr(0, text.find('\0')); }

bool AllZero(std::string_view block) {
  return std::all_of(block.begin(), block.end(), [](char byte) { return byte == 0; });
}

bool IsChecksumRight(std::string_view block) {
  std::uint32_t sum = 0;
  std::int32_t signed_sum = 0;  // as some old programs counted
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool own = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
    signed_sum += own ? ' ' : static_cast<signed char>(block[i]);
  }
  std::string_view digits = Bytes(block, kChecksum);
  std::int64_t said = 0;
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  while (!digits.empty() && digits[0] >= '0' && digits[0] <= '7') {
    said = said * 8 + (digits[0] - '0');
    digits.remove_prefix(1);
  }
  return said == sum || said == signed_sum;
}

// Octal digits, or with the first bit set a big-endian binary number (GNU).
std::optional<std::int64_t> ParseNumber(std::string_view field) {
  const auto first = static_cast<unsigned char>(field[0]);
  if ((first & 0x80) != 0) {
    const bool negative = (first & 0x40) != 0;
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < field.size(); ++i) {
      auto byte = static_cast<unsigned char>(field[i]);
      if (i == 0) byte = static_cast<unsigned char>(negative ? byte : byte & 0x3f);
      // What is shifted out must be nothing but the sign.
      if ((value >> 55) != (negative ? 0x1ff : 0)) return std::nullopt;
      value = (value << 8) | byte;
    }
    return static_cast<std::int64_t>(value);
  }
  std::int64_t value = 0;
  while (field.starts_with(' ')) field.remove_prefix(1);
  field = field.substr(0, field.find_first_of(std::string_view("\0 ", 2)));
  for (const char digit : field) {
    if (digit < '0' || digit > '7' || value > (std::numeric_limits<std::int64_t>::max() >> 3)) {
      return std::nullopt;
    }
    value = value * 8 + (digit - '0');
  }
  return value;
}

template <typename T>
bool ParseDecimal(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<TarEntry::Kind> KindOf(char type) {
  switch (type) {
    case '0':
    case '\0':
    case '7':  // contiguous: a file
      return TarEntry::Kind::kFile;
    case '1':
      return TarEntry::Kind::kHardLink;
    case '2':
      return TarEntry::Kind::kSymlink;
    case '3':
      return TarEntry::Kind::kCharacterDevice;
    case '4':
      return TarEntry::Kind::kBlockDevice;
    case '5':
      return TarEntry::Kind::kDirectory;
    case '6':
      return TarEntry::Kind::kFifo;
    default:
      return std::nullopt;
  }
}

Status ReadNumbers(std::string_view block, TarEntry& entry) {
  const auto mode = ParseNumber(Bytes(block, kMode));
  const auto uid = ParseNumber(Bytes(block, kUid));
  const auto gid = ParseNumber(Bytes(block, kGid));
  const auto size = ParseNumber(Bytes(block, kSize));
  const auto mtime = ParseNumber(Bytes(block, kMtime));
  if (!mode || !uid || !gid || !size || !mtime || *size < 0) return Corrupt("a damaged number");
  entry.mode = static_cast<std::uint32_t>(*mode & 07777);
  // A pax record may yet say better; what fits nobody is nobody's.
  entry.uid = static_cast<std::uint32_t>(*uid);
  entry.gid = static_cast<std::uint32_t>(*gid);
  entry.size = static_cast<std::uint64_t>(*size);
  entry.mtime_s = *mtime;
  return {};
}

}  // namespace

void TarReader::Gather(std::string_view& bytes, std::size_t wanted) {
  const std::size_t count = std::min(bytes.size(), wanted - gathered_.size());
  gathered_.append(bytes.substr(0, count));
  bytes.remove_prefix(count);
}

Status TarReader::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::kHeader:
        Gather(bytes, kTarBlock);
        if (gathered_.size() == kTarBlock) BOXLITE_RETURN_IF_ERROR(TakeHeader());
        break;
      case State::kRecords:
        Gather(bytes, left_ + padding_);
        if (gathered_.size() == left_ + padding_) BOXLITE_RETURN_IF_ERROR(TakeRecords());
        break;
      case State::kData: {
        const std::size_t count = std::min<std::uint64_t>(bytes.size(), left_);
        BOXLITE_RETURN_IF_ERROR(consumer_.Data(bytes.substr(0, count)));
        bytes.remove_prefix(count);
        left_ -= count;
        if (left_ == 0) BOXLITE_RETURN_IF_ERROR(EndMember());
        break;
      }
      case State::kPadding: {
        const std::size_t count = std::min(bytes.size(), padding_);
        bytes.remove_prefix(count);
        padding_ -= count;
        if (padding_ == 0) state_ = State::kHeader;
        break;
      }
      case State::kAfterEnd:
        return {};  // programs fill their last record with zeros, or anything
    }
  }
  return {};
}

Status TarReader::Finish() const {
  if (state_ == State::kAfterEnd) return {};
  return Error(ErrorCode::kCorrupt, "the tar stream was cut before its end");
}

Status TarReader::TakeHeader() {
  const std::string block = std::exchange(gathered_, {});
  if (AllZero(block)) {
    state_ = State::kAfterEnd;
    return {};
  }
  if (!IsChecksumRight(block)) return Corrupt("a header's checksum is wrong");
  TarEntry entry;
  BOXLITE_RETURN_IF_ERROR(ReadNumbers(block, entry));
  const char type = block[kTypeOffset];
  if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
    if (entry.size > kMaxTarRecords) return Corrupt("records of more than 1 MiB");
    records_type_ = type;
    left_ = entry.size;
    padding_ = TarPadding(entry.size);
    if (entry.size > 0) state_ = State::kRecords;
    return {};
  }
  entry.name = UntilNul(Bytes(block, kName));
  entry.link = UntilNul(Bytes(block, kLink));
  // GNU's magic has a blank in the NUL's place and other things where the prefix is.
  if (Bytes(block, kMagic) == std::string_view("ustar\0", 6)) {
    const std::string_view prefix = UntilNul(Bytes(block, kPrefix));
    if (!prefix.empty()) entry.name = std::string(prefix) + "/" + entry.name;
  }
  const auto major_number = ParseNumber(Bytes(block, kMajor));
  const auto minor_number = ParseNumber(Bytes(block, kMinor));
  entry.device_major = static_cast<std::uint32_t>(major_number.value_or(0));
  entry.device_minor = static_cast<std::uint32_t>(minor_number.value_or(0));
  return BeginMember(std::move(entry), type);
}

Status TarReader::BeginMember(TarEntry entry, char type) {
  const Overrides next = std::exchange(next_, {});
  if (next.name) entry.name = *next.name;
  if (next.link) entry.link = *next.link;
  if (next.size) entry.size = *next.size;
  if (next.uid) entry.uid = static_cast<std::uint32_t>(*next.uid);
  if (next.gid) entry.gid = static_cast<std::uint32_t>(*next.gid);
  if (next.mtime_s) {
    entry.mtime_s = *next.mtime_s;
    entry.mtime_ns = next.mtime_ns;
  }
  const std::optional<TarEntry::Kind> kind = KindOf(type);
  if (next.sparse || !kind) {
    return Error(ErrorCode::kUnsupported,
                 next.sparse || type == 'S'
                     ? "\"" + entry.name + "\" is stored sparse; make the stream without --sparse"
                     : "\"" + entry.name + "\" is of a type that only its own tar knows");
  }
  entry.kind = *kind;
  // v7 had no type for directories.
  if (entry.kind == TarEntry::Kind::kFile && entry.name.ends_with('/')) {
    entry.kind = TarEntry::Kind::kDirectory;
  }
  if (entry.kind != TarEntry::Kind::kFile) entry.size = 0;
  BOXLITE_RETURN_IF_ERROR(consumer_.Begin(entry));
  left_ = entry.size;
  padding_ = TarPadding(entry.size);
  state_ = State::kData;
  return left_ == 0 ? EndMember() : Status();
}

Status TarReader::EndMember() {
  state_ = padding_ > 0 ? State::kPadding : State::kHeader;
  return consumer_.End();
}

Status TarReader::TakeRecords() {
  const std::string gathered = std::exchange(gathered_, {});
  const std::string_view records = std::string_view(gathered).substr(0, left_);
  left_ = 0;
  padding_ = 0;
  state_ = State::kHeader;
  switch (records_type_) {
    case 'L':
      next_.name = UntilNul(records);
      return {};
    case 'K':
      next_.link = UntilNul(records);
      return {};
    case 'x':
      return TakePax(records);
    default:
      return {};  // defaults for all members: nothing that counts here is said there
  }
}

Status TarReader::TakePax(std::string_view records) {
  while (!records.empty()) {
    const std::size_t blank = records.find(' ');
    std::size_t length = 0;
    if (blank == std::string_view::npos || !ParseDecimal(records.substr(0, blank), length) ||
        length <= blank + 1 || length > records.size() || records[length - 1] != '\n') {
      return Corrupt("a damaged pax record");
    }
    const std::string_view record = records.substr(blank + 1, length - blank - 2);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) return Corrupt("a pax record without '='");
    BOXLITE_RETURN_IF_ERROR(TakePaxValue(record.substr(0, equals), record.substr(equals + 1)));
    records.remove_prefix(length);
  }
  return {};
}

Status TarReader::TakePaxValue(std::string_view key, std::string_view value) {
  if (key == "path" || key == "linkpath") {
    if (value.find('\0') != std::string_view::npos) return Corrupt("a NUL byte in a name");
    (key == "path" ? next_.name : next_.link) = std::string(value);
  } else if (key == "size" || key == "uid" || key == "gid") {
    std::uint64_t number = 0;
    const std::uint64_t largest = key == "size" ? kMaxSize : UINT32_MAX;
    if (!ParseDecimal(value, number) || number > largest) return Corrupt("a damaged pax number");
    (key == "size" ? next_.size : key == "uid" ? next_.uid : next_.gid) = number;
  } else if (key == "mtime") {
    const std::size_t point = std::min(value.find('.'), value.size());
    std::int64_t seconds = 0;
    if (!ParseDecimal(value.substr(0, point), seconds)) return Corrupt("a damaged pax time");
    next_.mtime_s = seconds;
    next_.mtime_ns = 0;
    std::string fraction(point < value.size() ? value.substr(point + 1, 9) : "");
    fraction.resize(9, '0');
    // Before 1970 a fraction counts backwards: such files do without.
    if (seconds >= 0 && !ParseDecimal(std::string_view(fraction), next_.mtime_ns)) {
      return Corrupt("a damaged pax time");
    }
  } else if (key.starts_with("GNU.sparse.")) {
    next_.sparse = true;
  }
  return {};  // everything else (extended attributes, ACLs, comments) is not restored
}

}  // namespace boxlite

// TarReader: takes a tar stream apart as its bytes come: ustar, pax, GNU's long names and v7. The
// stream is hostile: what is held of it is bounded whatever its headers claim.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/copy/tar_entry.h"

namespace boxlite {

// A pax header or a GNU long name beyond it is refused: paths have at most 4,096 bytes.
inline constexpr std::size_t kMaxTarRecords = 1024 * 1024;

class TarConsumer {
 public:
  // A member begins. Its name is as the stream has it: checked by nobody.
  virtual Status Begin(const TarEntry& entry) = 0;
  virtual Status Data(std::string_view bytes) = 0;  // the next ones of a file
  virtual Status End() = 0;                         // the member is whole

 protected:
  ~TarConsumer() = default;
};

class TarReader {
 public:
  explicit TarReader(TarConsumer& consumer) : consumer_(consumer) {}

  // Any number of bytes. kCorrupt: they are no tar stream; kUnsupported: a member that this reader
  // cannot restore (GNU's sparse and multi-volume formats). After an error it must not be fed
  // again.
  Status Feed(std::string_view bytes);
  // After the last byte. kCorrupt: the stream was cut before its end.
  Status Finish() const;

 private:
  enum class State { kHeader, kRecords, kData, kPadding, kAfterEnd };
  struct Overrides {  // what pax or GNU records say of the next member
    std::optional<std::string> name, link;
    std::optional<std::uint64_t> size, uid, gid;
    std::optional<std::int64_t> mtime_s;
    std::uint32_t mtime_ns = 0;
    bool sparse = false;
  };

  Status TakeHeader();
  Status TakeRecords();
  Status TakePax(std::string_view records);
  Status TakePaxValue(std::string_view key, std::string_view value);
  Status BeginMember(TarEntry entry, char type);
  Status EndMember();
  void Gather(std::string_view& bytes, std::size_t wanted);

  TarConsumer& consumer_;
  State state_ = State::kHeader;
  std::string gathered_;  // of a header or records, until whole
  char records_type_ = 0;
  std::uint64_t left_ = 0;  // of the data or the padding
  std::size_t padding_ = 0;
  Overrides next_;
};

}  // namespace boxlite

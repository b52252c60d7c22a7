#include "boxlite/disk/decompressor.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace boxlite {
namespace {

constexpr std::size_t kInputBytes = 128 * 1024;
// As much as any compressor uses without being told to; more would let a stream choose our memory.
constexpr int kMaxZstdWindowLog = 27;

// A buffer before a source, in which the first bytes may be looked at.
class Input {
 public:
  explicit Input(ByteSource& source) : source_(source), buffer_(kInputBytes) {}

  // At least `count` bytes are there, or the source has ended.
  Status Have(std::size_t count) {
    while (!ended_ && end_ - at_ < count) {
      if (at_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
        end_ -= at_;
        at_ = 0;
      }
      BOXLITE_ASSIGN_OR_RETURN(const std::size_t got,
                               source_.Read({buffer_.data() + end_, buffer_.size() - end_}));
      end_ += got;
      ended_ = got == 0;
    }
    return {};
  }
  std::string_view bytes() const { return {buffer_.data() + at_, end_ - at_}; }
  void Consume(std::size_t count) {
    at_ += count;
    if (at_ == end_) at_ = end_ = 0;
  }

 private:
  ByteSource& source_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
};

class PlainSource final : public ByteSource {
 public:
  explicit PlainSource(std::unique_ptr<Input> input) : input_(std::move(input)) {}

  Result<std::size_t> Read(std::span<char> room) override {
    BOXLITE_RETURN_IF_ERROR(input_->Have(1));
    const std::string_view bytes = input_->bytes().substr(0, room.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    input_->Consume(bytes.size());
    return bytes.size();
  }

 private:
  std::unique_ptr<Input> input_;
};

bool IsGzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(std::unique_ptr<Input> input)
      : input_(std::move(input)), state_(std::make_unique<inflate_state>()) {
    isal_inflate_init(state_.get());
  }

  Result<std::size_t> Read(std::span<char> room) override {
    for (;;) {
      BOXLITE_RETURN_IF_ERROR(input_->Have(in_member_ ? 1 : 2));
      if (!in_member_) {
        if (input_->bytes().empty() && members_ > 0) return std::size_t{0};
        BOXLITE_RETURN_IF_ERROR(BeginMember());
      }
      // Without input too: a full room may have left bytes in the decoder.
      const std::size_t before = input_->bytes().size();
      BOXLITE_ASSIGN_OR_RETURN(const std::size_t made, Inflate(room));
      if (made > 0) return made;
      if (in_member_ && input_->bytes().size() == before) {
        return Error(ErrorCode::kCorrupt,
                     before == 0 ? "the gzip stream is cut" : "the gzip stream is damaged");
      }
    }
  }

 private:
  Status BeginMember() {
    if (!IsGzip(input_->bytes())) {
      return Error(ErrorCode::kCorrupt,
                   members_ == 0 ? "this is no gzip stream" : "garbage follows the gzip stream");
    }
    isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP;
    in_member_ = true;
    ++members_;
    return {};
  }

  Result<std::size_t> Inflate(std::span<char> room) {
    const std::string_view bytes = input_->bytes();
    // SAFETY: ISA-L writes to next_in's target in no case; its type only lacks a const.
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
    state_->avail_in = static_cast<std::uint32_t>(bytes.size());
    state_->next_out = reinterpret_cast<std::uint8_t*>(room.data());
    state_->avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(room.size(), 1U << 30));
    const std::uint32_t offered = state_->avail_out;
    const int outcome = isal_inflate(state_.get());
    if (outcome < 0) {
      return Error(ErrorCode::kCorrupt, outcome == ISAL_INCORRECT_CHECKSUM
                                            ? "the gzip stream's checksum is wrong"
                                            : "the gzip stream is damaged");
    }
    input_->Consume(bytes.size() - state_->avail_in);
    if (state_->block_state == ISAL_BLOCK_FINISH) in_member_ = false;
    return static_cast<std::size_t>(offered - state_->avail_out);
  }

  std::unique_ptr<Input> input_;
  std::unique_ptr<inflate_state> state_;
  std::uint64_t members_ = 0;
  bool in_member_ = false;
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<Input> input) : input_(std::move(input)) {
    BOXLITE_CHECK(context_ != nullptr);
    BOXLITE_CHECK(ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax,
                                                      kMaxZstdWindowLog)) == 0);
  }

  Result<std::size_t> Read(std::span<char> room) override {
    for (;;) {
      BOXLITE_RETURN_IF_ERROR(input_->Have(1));
      const std::string_view bytes = input_->bytes();
      ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
      ZSTD_outBuffer out = {room.data(), room.size(), 0};
      // Without input too: a full room may have left bytes in the decoder.
      if (!bytes.empty() || in_frame_) {
        const std::size_t outcome = ZSTD_decompressStream(context_.get(), &out, &in);
        if (ZSTD_isError(outcome) != 0) {
          return Error(ErrorCode::kCorrupt,
                       std::string("the zstd stream is damaged: ") + ZSTD_getErrorName(outcome));
        }
        in_frame_ = outcome != 0;
        input_->Consume(in.pos);
      }
      if (out.pos > 0) return out.pos;
      if (!bytes.empty()) continue;
      if (in_frame_) return Error(ErrorCode::kCorrupt, "the zstd stream is cut");
      return std::size_t{0};
    }
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<Input> input_;
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  bool in_frame_ = false;
};

Result<Compression> Detect(std::string_view bytes) {
  if (IsGzip(bytes)) return Compression::kGzip;
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  // A skippable frame, which some tools begin with.
  if (bytes.size() >= 4 && (bytes[0] & '\xf0') == '\x50' && bytes.substr(1, 3) == "\x2a\x4d\x18") {
    return Compression::kZstd;
  }
  if (bytes.starts_with("\xfd\x37zXZ") || bytes.starts_with("BZh")) {
    return Error(ErrorCode::kUnsupported,
                 "it is compressed with xz or bzip2: only gzip and zstd are read");
  }
  return Compression::kNone;
}

}  // namespace

Result<std::unique_ptr<ByteSource>> MakeDecompressor(ByteSource& stored, Compression compression) {
  auto input = std::make_unique<Input>(stored);
  if (compression == Compression::kDetect) {
    BOXLITE_RETURN_IF_ERROR(input->Have(6));
    BOXLITE_ASSIGN_OR_RETURN(compression, Detect(input->bytes()));
  }
  std::unique_ptr<ByteSource> source;
  if (compression == Compression::kGzip) {
    source = std::make_unique<GzipSource>(std::move(input));
  } else if (compression == Compression::kZstd) {
    source = std::make_unique<ZstdSource>(std::move(input));
  } else {
    source = std::make_unique<PlainSource>(std::move(input));
  }
  return source;
}

}  // namespace boxlite

#include "boxlite/registry/blob_source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace boxlite {
namespace {

// So much has to come for a cut to count as the first again: attempts stay bounded by the size.
constexpr std::uint64_t kGain = 256 * 1024;

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<ContentRange> ParseContentRange(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == text.npos || slash == text.npos || dash > slash) return std::nullopt;
  const auto first = ParseNumber(text.substr(0, dash));
  const auto last = ParseNumber(text.substr(dash + 1, slash - dash - 1));
  const auto total = ParseNumber(text.substr(slash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  if (!total && text.substr(slash + 1) != "*") return std::nullopt;
  if (total && *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, total};
}

BlobSource::BlobSource(std::shared_ptr<Exchange> exchange, std::vector<Endpoint> endpoints,
                       std::string repository, const Digest& digest, std::uint64_t size,
                       std::string what)
    : exchange_(std::move(exchange)),
      endpoints_(std::move(endpoints)),
      repository_(std::move(repository)),
      digest_(digest),
      size_(size),
      what_(std::move(what)),
      retry_(exchange_->options().patience) {}

Result<std::size_t> BlobSource::Read(std::span<char> room) {
  for (;;) {
    Result<std::size_t> count = ReadOnce(room);
    if (count.ok()) {
      given_ += *count;
      since_gain_ += *count;
      if (since_gain_ >= kGain) {
        retry_.Gain();
        since_gain_ = 0;
      }
      return count;
    }
    transfer_.reset();
    if (retry_.Again(count.error())) continue;
    if (!Elsewhere()) return count;
  }
}

// The next endpoint goes on where this one failed.
bool BlobSource::Elsewhere() {
  if (endpoint_ + 1 == endpoints_.size()) return false;
  ++endpoint_;
  retry_ = Retry(exchange_->options().patience);
  since_gain_ = 0;
  return true;
}

Status BlobSource::Connect() {
  std::vector<std::string> headers;
  if (given_ > 0) headers.push_back("Range: bytes=" + std::to_string(given_) + "-");
  BOXLITE_ASSIGN_OR_RETURN(
      transfer_, exchange_->Get(endpoints_[endpoint_], repository_,
                                repository_ + "/blobs/" + digest_.text(), headers, what_, retry_));
  return CheckAnswer();
}

Status BlobSource::CheckAnswer() {
  const HttpHead& head = transfer_->head();
  const std::string& host = endpoints_[endpoint_].entry.host;
  skip_ = 0;
  std::uint64_t expected = size_;
  if (head.status == 206) {
    const auto value = head.Find("content-range");
    const auto range = value ? ParseContentRange(*value) : std::nullopt;
    if (given_ == 0 || !range || range->first != given_ || range->total.value_or(size_) != size_) {
      return Error(ErrorCode::kCorrupt,
                   what_ + ": " + host + " sends another part than was asked for");
    }
    expected = size_ - given_;
  } else if (head.status == 200) {
    skip_ = given_;
  } else {
    return Error(ErrorCode::kCorrupt,
                 what_ + ": " + host + " answers HTTP " + std::to_string(head.status));
  }
  const auto length = head.Find("content-length");
  if (!length || ParseNumber(*length) == expected) return {};
  return Error(ErrorCode::kCorrupt, what_ + ": " + host + " announces " + length->substr(0, 30) +
                                        " bytes where " + std::to_string(expected) +
                                        " are expected");
}

Status BlobSource::SkipKnown() {
  std::array<char, 16384> known;
  while (skip_ > 0) {
    const std::size_t most = std::min<std::uint64_t>(known.size(), skip_);
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, transfer_->Read({known.data(), most}));
    if (count == 0) return Error(ErrorCode::kUnavailable, what_ + ": the download was cut");
    skip_ -= count;
  }
  return {};
}

Result<std::size_t> BlobSource::ReadOnce(std::span<char> room) {
  if (given_ >= size_ && transfer_ == nullptr && given_ > 0) return std::size_t{0};
  if (transfer_ == nullptr) BOXLITE_RETURN_IF_ERROR(Connect());
  BOXLITE_RETURN_IF_ERROR(SkipKnown());
  BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, transfer_->Read(room));
  if (count == 0 && given_ < size_) {
    return Error(ErrorCode::kUnavailable, what_ + ": the download was cut after " +
                                              std::to_string(given_) + " of " +
                                              std::to_string(size_) + " bytes");
  }
  return count;
}

}  // namespace boxlite

#include "boxlite/disk/layer_feed.h"

#include <utility>

#include "boxlite/disk/decompressor.h"
#include "boxlite/disk/fetch_ahead.h"

namespace boxlite {
namespace {

constexpr std::size_t kPiece = 256 * 1024;
constexpr std::size_t kQueued = 16;  // pieces

Error TooMuch(const std::string& what, std::uint64_t limit) {
  return Error(ErrorCode::kResourceExhausted,
               "the image has more than " + std::to_string(limit >> 20) + " MiB of " + what);
}

Error Unwanted() { return Error(ErrorCode::kInternal, "nobody takes the layer any more"); }

class CountedSource final : public ByteSource {
 public:
  CountedSource(std::unique_ptr<ByteSource> source, std::size_t layer, FeedTotals& totals)
      : source_(std::move(source)), layer_(layer), totals_(totals) {}

  Result<std::size_t> Read(std::span<char> room) override {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, source_->Read(room));
    BOXLITE_RETURN_IF_ERROR(totals_.AddStored(layer_, count));
    return count;
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::size_t layer_;
  FeedTotals& totals_;
};

}  // namespace

Status FeedTotals::AddStored(std::size_t layer, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  stored_ += bytes;
  if (stored_ > limits_.stored_bytes) return TooMuch("layers, as stored", limits_.stored_bytes);
  if (layers_.size() <= layer) layers_.resize(layer + 1);
  layers_[layer].stored_bytes += bytes;
  Report(layer);
  return {};
}

Status FeedTotals::AddPlain(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  plain_ += bytes;
  if (plain_ > limits_.plain_bytes) return TooMuch("layers, decompressed", limits_.plain_bytes);
  return {};
}

void FeedTotals::AddWritten(std::size_t layer, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (layers_.size() <= layer) layers_.resize(layer + 1);
  layers_[layer].written_bytes += bytes;
  Report(layer);
}

void FeedTotals::Done(std::size_t layer) {
  const std::lock_guard lock(mutex_);
  if (layers_.size() <= layer) layers_.resize(layer + 1);
  layers_[layer].done = true;
  Report(layer);
}

void FeedTotals::Report(std::size_t layer) {
  layers_[layer].layer = layer;
  if (progress_) progress_(layers_[layer]);
}

LayerFeed::LayerFeed(LayerOpener& opener, std::size_t index, int dir_fd, FeedTotals& totals)
    : opener_(opener), index_(index), dir_fd_(dir_fd), totals_(totals), thread_([this] {
        Run();
      }) {}

LayerFeed::~LayerFeed() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

std::string LayerFeed::Describe() {
  const std::lock_guard lock(mutex_);
  std::string text =
      "layer " + std::to_string(index_ + 1) + " of " + std::to_string(opener_.count());
  if (expected_) text += " (" + expected_->text() + ")";
  return text;
}

void LayerFeed::Run() {
  Status outcome = Produce();
  const std::lock_guard lock(mutex_);
  if (!outcome.ok()) error_.emplace(std::move(outcome).error());
  ended_ = true;
  changed_.notify_all();
}

Status LayerFeed::Produce() {
  BOXLITE_ASSIGN_OR_RETURN(LayerSource layer, opener_.Open(index_));
  {
    const std::lock_guard lock(mutex_);
    expected_ = layer.diff_id;
  }
  std::unique_ptr<ByteSource> stored =
      std::make_unique<CountedSource>(std::move(layer.bytes), index_, totals_);
  if (layer.arrival == Arrival::kFetchAhead) {
    stored = std::make_unique<FetchAhead>(std::move(stored), dir_fd_);
  }
  BOXLITE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> plain,
                           MakeDecompressor(*stored, layer.compression));
  Sha256 sum;
  for (bool ended = false; !ended;) {
    std::string piece;
    {
      const std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        piece = std::move(spare_.back());
        spare_.pop_back();
      }
    }
    piece.resize(kPiece);
    std::size_t filled = 0;
    while (filled < kPiece && !ended) {
      BOXLITE_RETURN_IF_ERROR(GoOn());
      BOXLITE_ASSIGN_OR_RETURN(const std::size_t count,
                               plain->Read({piece.data() + filled, kPiece - filled}));
      filled += count;
      ended = count == 0;
    }
    piece.resize(filled);
    BOXLITE_RETURN_IF_ERROR(totals_.AddPlain(filled));
    sum.Update(piece);
    if (filled > 0) BOXLITE_RETURN_IF_ERROR(Push(std::move(piece)));
  }
  Digest computed = sum.Finish();
  if (layer.diff_id && computed != *layer.diff_id) {
    return Error(ErrorCode::kCorrupt, "its content is not what the image's configuration says: " +
                                          computed.text() + " instead of " + layer.diff_id->text());
  }
  const std::lock_guard lock(mutex_);
  computed_ = std::move(computed);
  return {};
}

Status LayerFeed::GoOn() {
  const std::lock_guard lock(mutex_);
  if (cancelled_) return Unwanted();
  return {};
}

Status LayerFeed::Push(std::string bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.size() < kQueued || cancelled_; });
  if (cancelled_) return Unwanted();
  queue_.push_back(std::move(bytes));
  changed_.notify_all();
  return {};
}

Result<std::string_view> LayerFeed::Next() {
  std::unique_lock lock(mutex_);
  if (!taken_.empty()) {
    spare_.push_back(std::move(taken_));
    taken_.clear();
  }
  changed_.wait(lock, [this] { return !queue_.empty() || ended_; });
  if (!queue_.empty()) {
    taken_ = std::move(queue_.front());
    queue_.pop_front();
    changed_.notify_all();
    return std::string_view(taken_);
  }
  if (error_) return *error_;
  return std::string_view();
}

}  // namespace boxlite

// LayerFeeds: the layers' tar streams, one after the other. Threads open, read, decompress and hash
// the layer that is being taken and the next ones, each as far as a small queue holds.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/disk/write_base.h"
#include "boxlite/oci/digest.h"

namespace boxlite {

// Shared by all feeds of one base: limits that hold for the sum, and progress.
class FeedTotals {
 public:
  FeedTotals(const BaseLimits& limits, const ProgressCallback& progress)
      : limits_(limits), progress_(progress) {}

  Status AddStored(std::size_t layer, std::uint64_t bytes);
  Status AddPlain(std::uint64_t bytes);
  void AddWritten(std::size_t layer, std::uint64_t bytes);
  void Done(std::size_t layer);

 private:
  void Report(std::size_t layer);

  const BaseLimits& limits_;
  const ProgressCallback& progress_;
  std::mutex mutex_;
  std::uint64_t stored_ = 0;
  std::uint64_t plain_ = 0;
  std::vector<BaseProgress> layers_;
};

// One layer's tar stream.
class LayerFeed {
 public:
  LayerFeed(LayerOpener& opener, std::size_t index, int dir_fd, FeedTotals& totals);
  // Waits for a read of the source that is under way.
  ~LayerFeed();
  LayerFeed(const LayerFeed&) = delete;
  LayerFeed& operator=(const LayerFeed&) = delete;

  // Blocks. Empty: the stream has ended, and was what its diff_id says. Valid until the next call.
  Result<std::string_view> Next();

  // After the end of the stream.
  const Digest& diff_id() const { return *computed_; }
  bool verified() const { return expected_.has_value(); }
  // The layer as text, with its diff_id as soon as it is known.
  std::string Describe();

 private:
  void Run();
  Status Produce();
  Status Push(std::string bytes);
  Status GoOn();  // an error when nobody takes the layer any more

  LayerOpener& opener_;
  const std::size_t index_;
  const int dir_fd_;
  FeedTotals& totals_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  std::string taken_;
  std::vector<std::string> spare_;
  std::optional<Digest> expected_;
  std::optional<Digest> computed_;
  std::optional<Error> error_;
  bool ended_ = false;
  bool cancelled_ = false;

  std::thread thread_;  // last: it uses the others
};

}  // namespace boxlite

// FetchAhead: reads a source to its end on a thread of its own, whether or not anybody takes the
// bytes yet. What nobody has taken waits in a little memory and then in an unlinked file.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/oci/byte_source.h"

namespace boxlite {

class FetchAhead final : public ByteSource {
 public:
  // The file is made in dir_fd, which must outlive this, when it is needed first.
  FetchAhead(std::unique_ptr<ByteSource> source, int dir_fd);
  // Waits for a read of the source that is under way.
  ~FetchAhead() override;
  FetchAhead(const FetchAhead&) = delete;
  FetchAhead& operator=(const FetchAhead&) = delete;

  Result<std::size_t> Read(std::span<char> room) override;

 private:
  void Fetch();
  Status Keep(std::string bytes);
  Status Spill(std::string_view bytes);
  Result<std::size_t> ReadSpilled(std::span<char> room, std::uint64_t from, std::uint64_t count);

  std::unique_ptr<ByteSource> source_;
  int dir_fd_;
  Fd spill_;  // made by the thread before spill_end_ says so

  std::mutex mutex_;
  std::condition_variable changed_;
  // Older than what is in the file.
  std::deque<std::string> memory_;
  std::size_t memory_bytes_ = 0;
  std::size_t front_taken_ = 0;  // of memory_.front()
  std::uint64_t spill_begin_ = 0;
  std::uint64_t spill_end_ = 0;
  bool ended_ = false;
  bool cancelled_ = false;
  std::optional<Error> error_;

  std::thread thread_;  // last: it uses the others
};

}  // namespace boxlite

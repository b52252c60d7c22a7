// LogGate: makes main wait for those who read its log while it is written. Without a reader main
// never waits: the log rotates.
#pragma once

#include <kj/async.h>

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <vector>

#include "boxlite/runtime/main_log.h"

namespace boxlite {

// How far main may run ahead of its slowest reader, in bytes of the log's files. What a reader has
// not seen then lies in the two files that rotation keeps, with room for what is under way.
inline constexpr std::uint64_t kReaderWindow = 4 * 1024 * 1024;
static_assert(kReaderWindow < kLogRotateBytes / 2);
// The same for a main that was told to end. What it had under way fits between the two: its pipes
// and what of them is on the way.
inline constexpr std::uint64_t kLastWordsWindow = 2 * kReaderWindow;
static_assert(kLastWordsWindow <= kLogRotateBytes / 2);

class LogGate : public std::enable_shared_from_this<LogGate> {
 public:
  explicit LogGate(std::shared_ptr<LogWriter> log, std::uint64_t window = kReaderWindow)
      : log_(std::move(log)), window_(window) {}

  // One reader. Dropping it frees main of it.
  class Reader {
   public:
    Reader(std::shared_ptr<LogGate> gate, std::uint64_t from);
    ~Reader();
    Reader(const Reader&) = delete;
    // Everything before the logical offset has been read. Going back is ignored.
    void Shown(std::uint64_t offset);

   private:
    friend class LogGate;
    std::shared_ptr<LogGate> gate_;
    std::uint64_t shown_;
  };

  // `from`: the logical offset that the reader begins at.
  std::unique_ptr<Reader> AddReader(std::uint64_t from);

  // Resolves when main may write on. To be asked after each append.
  kj::Promise<void> WhenMayGoOn();

  // Resolves when there is no reader.
  kj::Promise<void> WhenUnread();

  // To kLastWordsWindow: main was told to end.
  void Widen();
  // For good: main was killed, and what it wrote last must not wait for a reader that stands still.
  void Open();

 private:
  // Where the log was when so much had been written; kept while there are readers.
  struct Mark {
    std::uint64_t offset;
    std::uint64_t written;
  };

  std::uint64_t WrittenAt(std::uint64_t offset) const;  // or a little earlier
  bool MayGoOn() const;
  void Changed();

  std::shared_ptr<LogWriter> log_;
  std::uint64_t window_;
  std::list<Reader*> readers_;
  std::deque<Mark> marks_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> until_unread_;
  bool open_ = false;
};

}  // namespace boxlite

#include "boxlite/shim/log_gate.h"

#include <algorithm>
#include <utility>

namespace boxlite {
namespace {

// A reader's place is known to so many bytes of the files.
constexpr std::uint64_t kMarkStep = 64 * 1024;

}  // namespace

LogGate::Reader::Reader(std::shared_ptr<LogGate> gate, std::uint64_t from)
    : gate_(std::move(gate)), shown_(from) {}

LogGate::Reader::~Reader() {
  gate_->readers_.remove(this);
  gate_->Changed();
}

void LogGate::Reader::Shown(std::uint64_t offset) {
  if (offset <= shown_) return;
  shown_ = offset;
  gate_->Changed();
}

std::unique_ptr<LogGate::Reader> LogGate::AddReader(std::uint64_t from) {
  if (readers_.empty()) marks_ = {{log_->end(), log_->written()}};
  auto reader = std::make_unique<Reader>(shared_from_this(), from);
  readers_.push_back(reader.get());
  return reader;
}

std::uint64_t LogGate::WrittenAt(std::uint64_t offset) const {
  if (offset >= log_->end()) return log_->written();
  const auto later = std::find_if(marks_.begin(), marks_.end(),
                                  [&](const Mark& mark) { return mark.offset > offset; });
  // From before the first mark: as far behind as this life reaches.
  return later == marks_.begin() ? 0 : std::prev(later)->written;
}

bool LogGate::MayGoOn() const {
  if (open_) return true;
  return std::all_of(readers_.begin(), readers_.end(), [&](const Reader* reader) {
    return log_->written() - WrittenAt(reader->shown_) <= window_;
  });
}

kj::Promise<void> LogGate::WhenMayGoOn() {
  if (readers_.empty() || open_) return kj::READY_NOW;
  if (log_->written() - marks_.back().written >= kMarkStep) {
    marks_.push_back({log_->end(), log_->written()});
  }
  if (MayGoOn()) return kj::READY_NOW;
  auto pair = kj::newPromiseAndFulfiller<void>();
  waiting_.push_back(kj::mv(pair.fulfiller));
  return kj::mv(pair.promise);
}

kj::Promise<void> LogGate::WhenUnread() {
  if (readers_.empty()) return kj::READY_NOW;
  auto pair = kj::newPromiseAndFulfiller<void>();
  until_unread_.push_back(kj::mv(pair.fulfiller));
  return kj::mv(pair.promise);
}

void LogGate::Changed() {
  if (readers_.empty()) {
    for (auto& waiting : std::exchange(until_unread_, {})) waiting->fulfill();
  }
  std::uint64_t slowest = log_->end();
  for (const Reader* reader : readers_) slowest = std::min(slowest, reader->shown_);
  // The last one at or before the slowest is its place.
  while (marks_.size() > 1 && marks_[1].offset <= slowest) marks_.pop_front();
  if (!MayGoOn()) return;
  for (auto& waiting : std::exchange(waiting_, {})) waiting->fulfill();
}

void LogGate::Widen() {
  window_ = std::max(window_, kLastWordsWindow);
  Changed();
}

void LogGate::Open() {
  open_ = true;
  Changed();
}

}  // namespace boxlite

#include "boxlite/runtime/evidence.h"

#include <fcntl.h>

#include <charconv>

#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/home.h"

namespace boxlite {
namespace {

// A change between two looks needs a shim to be born or to end in the microseconds between them.
constexpr int kMaxTries = 100;

struct Anchor {
  LockState shim_lock = LockState::kFree;
  LockState vm_lock = LockState::kFree;
  LivesSummary lives;
  bool operator==(const Anchor&) const = default;
};

void Announce(const EvidenceStep& step, const char* name) {
  if (step) step(name);
}

// What is looked at twice. The lock files are opened once: they are made with the box and never
// replaced, and a thousand boxes are a thousand times each call.
class Anchors {
 public:
  static Result<Anchors> Open(int box_fd) {
    Anchors anchors(box_fd);
    BOXLITE_ASSIGN_OR_RETURN(anchors.shim_lock_, OpenLock(box_fd, kShimLock));
    BOXLITE_ASSIGN_OR_RETURN(anchors.vm_lock_, OpenLock(box_fd, kVmLock));
    return anchors;
  }

  Result<Anchor> Look(const EvidenceStep& step) const {
    Anchor anchor;
    Announce(step, "shim lock");
    BOXLITE_ASSIGN_OR_RETURN(anchor.shim_lock, Probe(shim_lock_));
    Announce(step, "vm lock");
    BOXLITE_ASSIGN_OR_RETURN(anchor.vm_lock, Probe(vm_lock_));
    Announce(step, "lives");
    BOXLITE_ASSIGN_OR_RETURN(anchor.lives, ReadLives(box_fd_));
    return anchor;
  }

 private:
  explicit Anchors(int box_fd) : box_fd_(box_fd) {}
  static Result<LockState> Probe(const Fd& lock) {
    return lock.valid() ? ProbeLock(lock.get()) : LockState::kFree;
  }

  int box_fd_;
  Fd shim_lock_;
  Fd vm_lock_;
};

template <typename T>
Read<T> ReadDocument(int life_fd, const char* name, Result<T> (*decode)(std::string_view)) {
  Result<std::optional<std::string>> text = ReadFileIfExists(life_fd, name, kMaxDocumentBytes);
  if (!text.ok()) return {Read<T>::Kind::kUnreadable, {}};
  if (!text->has_value()) return {Read<T>::Kind::kAbsent, {}};
  Result<T> value = decode(**text);
  if (!value.ok()) return {Read<T>::Kind::kUnreadable, {}};
  return {Read<T>::Kind::kPresent, std::move(*value)};
}

// What belongs to another life says nothing of this one.
template <typename T>
void DropForeign(Read<T>& document, const Read<LifeRecord>& record) {
  if (document.present() && record.present() && document.value.life_id != record.value.life_id) {
    document = {};
  }
}

}  // namespace

std::string LifePath(std::uint64_t number) {
  return std::string(kLivesDir) + "/" + std::to_string(number);
}

Result<LivesSummary> ReadLives(int box_fd) {
  LivesSummary summary;
  Result<Fd> lives = OpenDirectory(box_fd, kLivesDir);
  if (!lives.ok()) {
    if (lives.error().code() == ErrorCode::kNotFound) return summary;
    return std::move(lives).error();
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> entries, ListDirectory(std::move(*lives)));
  for (const std::string& entry : entries) {
    if (entry.starts_with(kPendingPrefix)) {
      summary.pending = true;
      continue;
    }
    std::uint64_t number = 0;
    const char* end = entry.data() + entry.size();
    const auto [parsed, error] = std::from_chars(entry.data(), end, number);
    if (error == std::errc() && parsed == end) summary.newest = std::max(summary.newest, number);
  }
  return summary;
}

Result<LifeDocuments> ReadLifeDocuments(int box_fd, std::uint64_t number,
                                        const EvidenceStep& step) {
  BOXLITE_ASSIGN_OR_RETURN(Fd life, OpenDirectory(box_fd, LifePath(number)));
  LifeDocuments documents;
  Announce(step, "record");
  documents.record = ReadDocument<LifeRecord>(life.get(), "record.json", DecodeRecord);
  Announce(step, "exit");
  documents.main_exit = ReadDocument<MainExit>(life.get(), "exit.json", DecodeMainExit);
  Announce(step, "outcome");
  documents.outcome = ReadDocument<LifeOutcome>(life.get(), "outcome.json", DecodeOutcome);
  DropForeign(documents.main_exit, documents.record);
  DropForeign(documents.outcome, documents.record);
  return documents;
}

Result<Evidence> ReadEvidence(int box_fd, const EvidenceStep& step) {
  // Of a thousand boxes each would read it: it cannot change while this process lives.
  static const Result<HostIdentity> kHost = CurrentHostIdentity();
  if (!kHost.ok()) return Error(kHost.error());
  BOXLITE_ASSIGN_OR_RETURN(Anchors anchors, Anchors::Open(box_fd));
  for (int attempt = 0; attempt < kMaxTries; ++attempt) {
    BOXLITE_ASSIGN_OR_RETURN(Anchor before, anchors.Look(step));
    Evidence evidence;
    evidence.boot_id = kHost->boot_id;
    evidence.shim_lock = before.shim_lock;
    evidence.vm_lock = before.vm_lock;
    evidence.life_number = before.lives.newest;
    evidence.life_pending = before.lives.pending;
    if (before.lives.newest > 0) {
      Result<LifeDocuments> life = ReadLifeDocuments(box_fd, before.lives.newest, step);
      if (!life.ok()) continue;  // archived meanwhile
      evidence.record = std::move(life->record);
      evidence.main_exit = std::move(life->main_exit);
      evidence.outcome = std::move(life->outcome);
    }
    BOXLITE_ASSIGN_OR_RETURN(Anchor after, anchors.Look(step));
    if (before == after) return evidence;
  }
  return Error(ErrorCode::kUnavailable, "the box keeps changing while it is looked at; try again");
}

}  // namespace boxlite

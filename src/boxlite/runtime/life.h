// LifeWriter: the shim's side of the evidence of one life. Whoever owns a fact writes it here
// before anyone is told of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "boxlite/base/fd.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/box_state.h"

namespace boxlite {

class LifeWriter {
 public:
  // Takes both locks (kConflict when either is held: another life owns the box), writes the record
  // into the prepared directory lives/.new-<life id> (`life_fd`) and publishes it as lives/<newest
  // + 1> by one rename. After an error nothing was published and the locks are free again.
  static Result<LifeWriter> Begin(int box_fd, Fd life_fd, LifeRecord record);

  const LifeRecord& record() const { return record_; }
  int life_fd() const { return life_fd_.get(); }
  int vm_lock_fd() const { return vm_lock_.fd(); }  // what the machine inherits

  Status SetPhase(Phase phase);
  Status SetMachine(const ProcessIdentity& vm, const std::string& accelerator);

  // Notes that a step of the start has just ended; written with the next of the two above.
  void NoteGuestAnswered() { record_.guest_ms = LapMs(); }
  void NoteMainStarted() { record_.main_ms = LapMs(); }

  // Durable when it returns. The first call wins; later ones are ignored.
  Status WriteMainExit(MainExit main_exit);
  Status WriteOutcome(LifeOutcome outcome);
  bool has_outcome() const { return has_outcome_; }

 private:
  LifeWriter(OfdLock shim_lock, OfdLock vm_lock, Fd life_fd, LifeRecord record)
      : shim_lock_(std::move(shim_lock)),
        vm_lock_(std::move(vm_lock)),
        life_fd_(std::move(life_fd)),
        record_(std::move(record)) {}
  Status WriteRecord() const;
  // `write`, and once more with the life's reserve of disk space given back when there was none.
  Status WithReserve(const std::function<Status()>& write) const;
  std::uint32_t LapMs();  // since the last call, or the life's begin

  // The shim lock is released last: a reader that finds it free must find the outcome.
  OfdLock shim_lock_;
  OfdLock vm_lock_;
  Fd life_fd_;
  LifeRecord record_;
  std::chrono::steady_clock::time_point lap_ = std::chrono::steady_clock::now();
  bool has_main_exit_ = false;
  bool has_outcome_ = false;
};

// For the starter, under the verb lock and with both locks free: removes what earlier starts left
// half made, keeps the newest kKeptLives lives, and prepares lives/.new-<life id>.
inline constexpr std::uint64_t kKeptLives = 5;
Result<Fd> PrepareLife(int box_fd, const std::string& life_id);

}  // namespace boxlite

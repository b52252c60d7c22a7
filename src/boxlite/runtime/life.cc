#include "boxlite/runtime/life.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "boxlite/base/failpoint.h"
#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/evidence.h"
#include "boxlite/runtime/home.h"

namespace boxlite {
namespace {

// Given back when the disk is full: a life that ended well must not look like a crash for want of a
// block.
constexpr char kReserve[] = ".reserve";
constexpr std::size_t kReserveBytes = 16 * 1024;

}  // namespace

Result<LifeWriter> LifeWriter::Begin(int box_fd, Fd life_fd, LifeRecord record) {
  BOXLITE_ASSIGN_OR_RETURN(OfdLock shim_lock, OfdLock::TryAcquire(box_fd, kShimLock));
  BOXLITE_ASSIGN_OR_RETURN(OfdLock vm_lock, OfdLock::TryAcquire(box_fd, kVmLock));
  BOXLITE_FAILPOINT("shim.locked");
  BOXLITE_ASSIGN_OR_RETURN(LivesSummary lives, ReadLives(box_fd));
  record.number = lives.newest + 1;
  LifeWriter life(std::move(shim_lock), std::move(vm_lock), std::move(life_fd), std::move(record));
  BOXLITE_RETURN_IF_ERROR(life.WriteRecord());
  BOXLITE_RETURN_IF_ERROR(WriteFileAtomically(
      life.life_fd(), kReserve, std::string(kReserveBytes, '.'), Durability::kVolatile));
  BOXLITE_FAILPOINT("shim.record");
  const std::string pending = std::string(kLivesDir) + "/" + kPendingPrefix + life.record_.life_id;
  if (::renameat2(box_fd, pending.c_str(), box_fd, LifePath(life.record_.number).c_str(),
                  RENAME_NOREPLACE) != 0) {
    return ErrnoError("publish the life");
  }
  return life;
}

Status LifeWriter::WithReserve(const std::function<Status()>& write) const {
  Status written = write();
  if (written.ok() || written.error().code() != ErrorCode::kResourceExhausted) return written;
  if (::unlinkat(life_fd_.get(), kReserve, 0) != 0) return written;
  return write();
}

Status LifeWriter::WriteRecord() const {
  // Volatile: after a power cut the boot id voids the record anyway.
  return WithReserve([this] {
    return WriteFileAtomically(life_fd_.get(), "record.json", EncodeRecord(record_),
                               Durability::kVolatile);
  });
}

Status LifeWriter::SetPhase(Phase phase) {
  record_.phase = phase;
  return WriteRecord();
}

std::uint32_t LifeWriter::LapMs() {
  const auto now = std::chrono::steady_clock::now();
  const auto lap = std::chrono::duration_cast<std::chrono::milliseconds>(now - lap_);
  lap_ = now;
  return static_cast<std::uint32_t>(lap.count());
}

Status LifeWriter::SetMachine(const ProcessIdentity& vm, const std::string& accelerator) {
  record_.engine_ms = LapMs();
  record_.vm = vm;
  record_.accelerator = accelerator;
  return WriteRecord();
}

Status LifeWriter::WriteMainExit(MainExit main_exit) {
  if (has_main_exit_) return {};
  main_exit.life_id = record_.life_id;
  BOXLITE_RETURN_IF_ERROR(WithReserve([&] {
    return WriteFileOnce(life_fd_.get(), "exit.json", EncodeMainExit(main_exit),
                         Durability::kDurable);
  }));
  has_main_exit_ = true;
  return {};
}

Status LifeWriter::WriteOutcome(LifeOutcome outcome) {
  if (has_outcome_) return {};
  outcome.life_id = record_.life_id;
  BOXLITE_RETURN_IF_ERROR(WithReserve([&] {
    return WriteFileOnce(life_fd_.get(), "outcome.json", EncodeOutcome(outcome),
                         Durability::kDurable);
  }));
  ::unlinkat(life_fd_.get(), kReserve, 0);
  has_outcome_ = true;
  return {};
}

Result<Fd> PrepareLife(int box_fd, const std::string& life_id) {
  BOXLITE_RETURN_IF_ERROR(EnsureDirectory(box_fd, kLivesDir));
  BOXLITE_ASSIGN_OR_RETURN(Fd lives, OpenDirectory(box_fd, kLivesDir));
  BOXLITE_ASSIGN_OR_RETURN(LivesSummary summary, ReadLives(box_fd));
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> entries, ListDirectory(lives.get()));
  for (const std::string& entry : entries) {
    std::uint64_t number = 0;
    const char* end = entry.data() + entry.size();
    const auto [parsed, error] = std::from_chars(entry.data(), end, number);
    const bool is_life = error == std::errc() && parsed == end;
    if (entry.starts_with(kPendingPrefix) || (is_life && number + kKeptLives <= summary.newest)) {
      BOXLITE_RETURN_IF_ERROR(RemoveTree(lives.get(), entry));
    }
  }
  const std::string pending = kPendingPrefix + life_id;
  if (::mkdirat(lives.get(), pending.c_str(), 0700) != 0) return ErrnoError("prepare a life");
  return OpenDirectory(lives.get(), pending);
}

}  // namespace boxlite

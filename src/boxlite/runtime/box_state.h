// The state of a box is never stored. It is derived, each time it is asked, from evidence: locks
// that the kernel keeps and files that the shim wrote before anyone was told. docs/recovery.md
// explains it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/process_identity.h"
#include "boxlite/base/result.h"

namespace boxlite {

enum class BoxState { kConfigured, kStarting, kRunning, kStopping, kStopped, kFailed };
std::string_view BoxStateName(BoxState state);

// How far a life has come, written by its shim as it goes.
enum class Phase { kBooting, kReady, kMainStarted, kStopping };
std::string_view PhaseName(Phase phase);

struct ProcessExit {
  std::optional<int> code;
  std::optional<int> signal;
  // As a shell shows it: the code, or 128 + the signal's number.
  int ShellCode() const { return signal ? 128 + *signal : code.value_or(0); }
  bool operator==(const ProcessExit&) const = default;
};

// lives/<n>/record.json
struct LifeRecord {
  std::string life_id;  // random; ties exit, outcome and socket to this life
  std::uint64_t number = 0;
  Phase phase = Phase::kBooting;
  bool attached = false;
  ProcessIdentity shim;
  std::optional<ProcessIdentity> vm;
  HostIdentity host;
  std::uint32_t protocol_version = 0;
  std::int64_t started_ns = 0;  // when the life began; shown only, never compared
  std::string accelerator;
  // How long the steps of its start took, in milliseconds; 0: not reached. Shown only.
  std::uint32_t engine_ms = 0;  // from the life's begin to the engine's start: locks, disk
  std::uint32_t guest_ms = 0;   // from there to the guest's first answer: the boot
  std::uint32_t main_ms = 0;    // from there to main's start: personality, root, main
};

// lives/<n>/exit.json
struct MainExit {
  std::string life_id;
  ProcessExit exit;
  std::int64_t at_ns = 0;
  std::uint64_t log_end = 0;
};

enum class OutcomeKind { kEnded, kFailed };

// lives/<n>/outcome.json: how a life ended, written once, the shim's last act.
struct LifeOutcome {
  std::string life_id;
  OutcomeKind kind = OutcomeKind::kEnded;
  bool flushed = false;    // the guest synced and unmounted, or the engine confirmed its flush
  std::string forced;      // what had to be forced, in words; empty: nothing
  bool requested = false;  // somebody asked for the end, or its maker's end did, before main's
  std::string stage;       // kFailed: the step that failed
  std::string reason;      // kFailed: why
  ErrorCode code = ErrorCode::kInternal;  // kFailed
  std::int64_t at_ns = 0;
};

// A file of evidence: not there, unreadable (kept, and told), or read.
template <typename T>
struct Read {
  enum class Kind { kAbsent, kUnreadable, kPresent };
  Kind kind = Kind::kAbsent;
  T value = {};
  bool present() const { return kind == Kind::kPresent; }
};

struct Evidence {
  LockState shim_lock = LockState::kFree;
  LockState vm_lock = LockState::kFree;
  bool life_pending = false;      // a life's directory is being prepared (lives/.new-*)
  std::uint64_t life_number = 0;  // newest; 0: it never lived
  Read<LifeRecord> record;        // of the newest life
  Read<MainExit> main_exit;       // the same; another life's id counts as absent
  Read<LifeOutcome> outcome;
  std::string boot_id;  // of this host, now
};

struct DerivedState {
  BoxState state = BoxState::kConfigured;
  std::string reason;               // in words, for a person; never empty
  std::optional<ProcessExit> exit;  // main's, when it is known
};

// Pure. Rule 1: a held lock beats every other row.
DerivedState DeriveState(const Evidence& evidence);

// What may be asked of a box, and in which state. docs/box-states.md is written from this table.
enum class Verb {
  kStart,
  kStop,
  kRestart,
  kKill,
  kRemove,
  kForceRemove,
  kExec,
  kCopy,
  kWait,
  kLogs,
  kInspect,
  kAttach
};
inline constexpr int kVerbCount = 12;
inline constexpr int kStateCount = 6;
std::string_view VerbName(Verb verb);

enum class VerbRule {
  kDo,           // the verb does its work
  kNothingToDo,  // success, nothing happens
  kWaitThenDo,   // waits for the transition to end, then decides again
  kRefuse,       // kWrongState
  kBootThenDo,   // boots a box that has no command of the user's, else kWrongState
};
VerbRule RuleFor(Verb verb, BoxState state);
// Why a refused verb was refused, and what to do instead.
std::string RefusalAdvice(Verb verb, BoxState state);

}  // namespace boxlite

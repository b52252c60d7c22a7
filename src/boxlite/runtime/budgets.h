// How long each party may take to end a life. They nest: who waits for another waits longer than
// that one may take, so that a slow but honest flush is never cut by an impatient waiter.
#pragma once

#include <chrono>

namespace boxlite {

using std::chrono::milliseconds;

// -t's default: between main's stop signal and SIGKILL. As docker.
inline constexpr milliseconds kDefaultGrace{10'000};

// A box that was booted only to copy files, when it is stopped again: its main command is the
// image's and has nothing of the user's to finish.
inline constexpr milliseconds kCopyStopGrace{2'000};
static_assert(kCopyStopGrace < kDefaultGrace);

// What is longer is cut to it: a week is for ever here, and fits every counter of milliseconds.
inline constexpr milliseconds kLongestGrace{7LL * 24 * 3600 * 1000};

// Main was sent SIGKILL (or ended): until the agent has reported its end.
inline constexpr milliseconds kMainReapBudget{2'000};

// The agent: kill what is left, sync, unmount, answer.
inline constexpr milliseconds kGuestFlushBudget{5'000};
// The shim: the agent's answer and the machine's power-off, then the engine's own flush (QMP quit).
inline constexpr milliseconds kShimFlushBudget{8'000};
// Whoever asked for the stop, beyond main's grace, before it signals the shim.
inline constexpr milliseconds kCallerFlushBudget{10'000};
static_assert(kGuestFlushBudget < kShimFlushBudget && kShimFlushBudget < kCallerFlushBudget);

// While the engine's written bytes grow, the shim extends its budget by this step up to the
// ceiling; a caller sees the shim alive and waits to the ceiling plus its own margin.
inline constexpr milliseconds kFlushProgressStep{2'000};
inline constexpr milliseconds kFlushCeiling{60'000};
inline constexpr milliseconds kCallerCeiling =
    kFlushCeiling + (kCallerFlushBudget - kShimFlushBudget);
static_assert(kFlushProgressStep < kShimFlushBudget && kShimFlushBudget < kFlushCeiling);
static_assert(kFlushCeiling < kCallerCeiling);

// A box made with --rm: for those who are attached, and for its foreground reader when somebody
// else ended it, to take the last output.
inline constexpr milliseconds kReaderBudget{2'000};
static_assert(kReaderBudget < kCallerFlushBudget);

// Main of an attached life whose output nobody reads any more, after SIGPIPE and its stop signal:
// on a pipe it would have ended at its next byte.
inline constexpr milliseconds kBrokenPipeGrace{1'000};

// The engine after QMP quit, and after SIGKILL: its process only has to leave.
inline constexpr milliseconds kQuitBudget{2'000};
inline constexpr milliseconds kKillBudget{5'000};

// From the engine's start to the agent's confirmation. Emulated cold boot is 1.3 s on a free core;
// a loaded machine takes many times that. $BOXLITE_BOOT_TIMEOUT_MS overrides it.
inline constexpr milliseconds kBootDeadline{90'000};
// Under KVM a boot takes a fraction of a second: who is not there by then does not run under KVM
// here.
inline constexpr milliseconds kKvmFirstBootDeadline{3'000};
// The starter, beyond the boot deadlines: spawn, record, disk, main.
inline constexpr milliseconds kStartMargin{30'000};

// Another verb's turn on the same box. Longer than a stop may take, so that verbs queue.
inline constexpr milliseconds kVerbLockWait{120'000};
static_assert(kVerbLockWait > kCallerCeiling + kDefaultGrace);

// A live box's shim answers a greeting at once; one that does not is stopped by signal instead.
inline constexpr milliseconds kHandshakeTimeout{3'000};

// A look at a box's processes or statistics: the guest answers in milliseconds. An emulated one
// with a thousand processes on a loaded host takes seconds.
inline constexpr milliseconds kLookTimeout{20'000};

}  // namespace boxlite

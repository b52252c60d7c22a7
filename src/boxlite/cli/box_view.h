// A box as `ls` and `inspect` show it. Pure.
//
// ls --format json|yaml, an array, newest first; keys are stable, more may be added:
//   id, name, image, command (array), created (RFC 3339, UTC), state, reason, status (as in the
//   table), exit_code (null: unknown), started (null: never), cpus, memory_mib, disk_bytes, labels
//   (object), size_bytes (with --size only), problem (only where the spec could not be read; what
//   came from it is then null or empty)
//
// inspect, an array; keys as in docker where docker has the same thing:
//   Id, Name, Image, ImageDigest, Created, Status, Command, Env, WorkingDir, User, Hostname,
//   Labels, Cpus, Memory (bytes), DiskSize (bytes), RemoveOnExit, StopSignal,
//   Accelerator (as asked for), Problem (only where the spec could not be read)
//   State: Status, Reason, Running, Pid (QEMU's, 0: none), ExitCode (null: unknown),
//     StartedAt and FinishedAt (null: never, not yet)
//   Evidence, of the newest life: Life (its number, 0: none), LifeId, Phase, Attached,
//     Handshake ("ok", or why the shim of a live box does not answer), Accelerator (in use),
//     ShimPid, VmPid, BootId, ProtocolVersion, StartMs (Engine, Guest, Main),
//     Outcome (null: none yet): Kind, Flushed, Forced, Stage, Reason, Code
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "boxlite/cli/document.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

bool IsLive(const BoxInfo& box);  // starting, running or stopping

// "running (3 minutes)", "stopped (0) 2 hours ago", "failed: its reason", ...
std::string StatusText(const BoxInfo& box, std::int64_t now_ns);

// ID IMAGE COMMAND CREATED STATUS NAMES, and SIZE with `sizes`. Long cells are shortened unless
// `whole`.
std::string ListTable(const std::vector<BoxInfo>& boxes, std::int64_t now_ns, bool whole,
                      const std::map<BoxId, std::uint64_t>* sizes = nullptr);

Document ListEntry(const BoxInfo& box, std::int64_t now_ns);
Document InspectEntry(const BoxInfo& box);

}  // namespace boxlite::cli

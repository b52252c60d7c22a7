// What a running box does and uses, as top and stats show it. What the guest says is its word:
// bounded in size, any bytes in its text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/process_identity.h"
#include "boxlite/base/result.h"

namespace boxlite {

// One process of a box, as the box's kernel sees it.
struct BoxProcess {
  std::int32_t pid = 0;
  std::int32_t parent = 0;  // 0: not of the box
  std::string user;
  std::string state;  // one letter, as ps shows it
  std::uint64_t started_ago_ms = 0;
  std::uint64_t cpu_ms = 0;
  std::uint64_t resident_bytes = 0;
  std::string command;
  std::string exec_id;  // "main", or the exec that it belongs to
};

struct BoxProcesses {
  std::vector<BoxProcess> processes;  // main first
  std::uint32_t total = 0;            // more than in `processes` when not all fitted
};

// A process of the host's.
struct HostUse {
  pid_t pid = 0;
  std::uint64_t cpu_ms = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t proportional_bytes =
      0;  // what it shares is divided among those that do; 0: unknown
};

struct BoxUse {
  std::uint64_t cpu_ms = 0;  // of all programs so far
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_limit_bytes = 0;
  std::uint32_t processes = 0;
  std::uint64_t disk_used_bytes = 0;
  std::uint64_t disk_size_bytes = 0;
  std::uint64_t read_bytes = 0;  // by the root disk since boot
  std::uint64_t written_bytes = 0;
  std::optional<HostUse> shim;  // nullopt: it could not be told
  std::optional<HostUse> vm;
  std::int64_t at_ns = 0;  // CLOCK_MONOTONIC, when it was read: what two samples lie apart
};

// Of the process that was recorded, and no other: kNotFound when it has ended.
Result<HostUse> ReadHostUse(const ProcessIdentity& recorded, const HostIdentity& recorded_host);

}  // namespace boxlite

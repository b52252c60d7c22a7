// What top and stats show of a box: its processes and its use of the machine, as the agent reads
// them from the guest's kernel.
#pragma once

#include <kj/async.h>

#include <cstdint>
#include <string>
#include <vector>

#include "boxlite/base/result.h"
#include "types.capnp.h"

namespace boxlite {

// The shim takes 1 MiB in one answer: so many processes, and so many bytes of their commands.
inline constexpr std::size_t kMaxProcesses = 1000;
inline constexpr std::size_t kMaxCommandBytes = 4096;
inline constexpr std::size_t kMaxCommandBytesInAll = 512 * 1024;

struct ProcessFacts {
  pid_t pid = 0;
  pid_t parent = 0;  // 0: outside the box, as its own kernel shows it
  std::string user;
  char state = '?';
  std::uint64_t started_ago_ms = 0;
  std::uint64_t cpu_ms = 0;
  std::uint64_t resident_bytes = 0;
  std::string command;
  std::string program;  // "main" or an exec's id
};

struct ProcessList {
  std::vector<ProcessFacts> processes;  // by pid: main first
  std::size_t total = 0;                // how many there were, beyond the bound too
};

// Reads a few processes at a time: the agent's other work goes on in between.
kj::Promise<ProcessList> ListBoxProcesses();
void ToWire(const ProcessList& list, capnp::List<wire::ProcessInfo>::Builder out);

// What the kernel does not count reads as 0.
void FillStatistics(wire::GuestStatistics::Builder out);

}  // namespace boxlite

// Reads the evidence of one box from its directory, in the order that makes it consistent, writing
// nothing: locks, then record, then exit and outcome, then locks and life again.
#pragma once

#include <functional>

#include "boxlite/base/result.h"
#include "boxlite/runtime/box_state.h"

namespace boxlite {

// Called between any two reads with the name of the step that comes next. Tests pause there.
using EvidenceStep = std::function<void(const char* step)>;

// Blocks for a few file reads only. An unreadable file is evidence too, not an error; an error
// means that the box's directory itself cannot be read, or changed on every one of many tries
// (kUnavailable).
Result<Evidence> ReadEvidence(int box_fd, const EvidenceStep& step = nullptr);

// The newest life's number (0: none) and whether one is being prepared.
struct LivesSummary {
  std::uint64_t newest = 0;
  bool pending = false;
  bool operator==(const LivesSummary&) const = default;
};
Result<LivesSummary> ReadLives(int box_fd);

// The three documents of one life, newest or not. kNotFound: it was archived.
struct LifeDocuments {
  Read<LifeRecord> record;
  Read<MainExit> main_exit;
  Read<LifeOutcome> outcome;
};
Result<LifeDocuments> ReadLifeDocuments(int box_fd, std::uint64_t number,
                                        const EvidenceStep& step = nullptr);

std::string LifePath(std::uint64_t number);  // "lives/<n>"

}  // namespace boxlite

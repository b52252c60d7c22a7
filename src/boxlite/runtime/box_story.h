// BoxStory: which events follow when a box is looked at again. Pure: facts in, events out, each of
// them once, in the order create, (start, die, stop)…, destroy, whatever was missed between looks.
#pragma once

#include <vector>

#include "boxlite/runtime/box_state.h"
#include "boxlite/runtime/events.h"

namespace boxlite {

// What is known of one life.
struct LifeFacts {
  std::uint64_t number = 0;
  Read<LifeRecord> record;
  Read<MainExit> main_exit;
  Read<LifeOutcome> outcome;
  bool over = false;         // its supervisor is gone
  std::int64_t lost_ns = 0;  // when it ended, for one that left no word of it
};

struct BoxFacts {
  std::optional<BoxSpec> spec;       // absent: unreadable
  std::int64_t spec_changed_ns = 0;  // when box.json was last written
  std::vector<LifeFacts> lives;      // by number; older ones may be gone
};

class BoxStory {
 public:
  explicit BoxStory(BoxId id) : id_(std::move(id)) {}

  // The newest life of which something was told; 0: none.
  std::uint64_t life() const { return life_; }
  // Whether all of that life was told.
  bool life_is_told() const { return died_ && stopped_; }

  // `now_ns`: the time of what has none of its own.
  std::vector<BoxEvent> Update(const BoxFacts& facts, std::int64_t now_ns);
  // The box is gone: what was still open is closed.
  std::vector<BoxEvent> End(std::int64_t now_ns);

 private:
  BoxEvent Event(EventKind kind, std::int64_t time_ns) const;
  void TellSpec(const BoxFacts& facts, std::int64_t now_ns, std::vector<BoxEvent>& events);
  void TellLife(const LifeFacts& life, std::vector<BoxEvent>& events);
  void CloseLife(std::int64_t now_ns, std::vector<BoxEvent>& events);

  BoxId id_;
  std::string name_;
  std::string image_;
  std::map<std::string, std::string> labels_;
  bool created_ = false;
  bool named_ = false;  // the spec was read once
  std::uint64_t life_ = 0;
  bool started_ = false;
  bool died_ = false;
  bool stopped_ = false;  // told, or known not to come
};

}  // namespace boxlite

// BoxEvent: something that happened to a box, in docker's words. Nobody writes events down: they
// are derived from what shims and verbs write for other reasons. docs/events.md says what can be
// seen.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"
#include "boxlite/runtime/box_spec.h"

namespace boxlite {

enum class EventKind {
  kCreate,
  kStart,    // main has started
  kDie,      // main has ended, or a life without one
  kStop,     // the life that ended was asked to: by stop, rm -f, or its maker's end
  kRename,   // attributes: oldName
  kDestroy,  // the box is gone
};
inline constexpr int kEventKindCount = 6;
std::string_view EventName(EventKind kind);

struct BoxEvent {
  EventKind kind = EventKind::kCreate;
  BoxId id;
  std::int64_t time_ns = 0;  // since 1970; to the millisecond for start
  std::string name;          // empty: none, or not known any more
  std::string image;
  std::map<std::string, std::string> labels;
  // die: exitCode (128 + N for signal N) where it is known, reason where it is not; rename:
  // oldName.
  std::map<std::string, std::string> attributes;
};

struct EventOptions {
  // From then on, as far as durable facts tell; nothing said: from now on.
  std::optional<std::int64_t> since_ns;
  std::optional<std::int64_t> until_ns;  // nothing said: for ever
  // The watch ends well when it becomes readable, or its other end is closed. Borrowed; -1: none.
  int stop_fd = -1;
};

struct EventSink {
  // On the thread of the watch. An error ends it, and is what it returns.
  std::function<Status(const BoxEvent&)> take;
  // Something may be missing, in words. May be empty.
  std::function<void(const std::string&)> note;
};

}  // namespace boxlite

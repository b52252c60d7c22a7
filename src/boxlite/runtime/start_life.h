// Starting a life: prepare, spawn the shim, follow its reports.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/ofd_lock.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/box_spec.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/runtime.h"
#include "boxlite/runtime/shim_birth.h"

namespace boxlite {

struct StartRequest {
  const Home* home = nullptr;
  std::string libexec;
  const BoxSpec* spec = nullptr;
  int box_fd = -1;
  int verb_lock_fd = -1;  // held; the shim inherits its description until its record stands
  Attachment attachment = Attachment::kDetached;
  StartedBy starter = StartedBy::kNobody;
  bool reader_comes = false;            // the starter will read main's output: see ReaderHold
  TerminalSize terminal_size = {0, 0};  // of the starter's terminal; 0 x 0: unknown
  int interrupt_fd = -1;  // when it becomes readable the start gives up (kUnavailable); -1: none
};

// While this is open the life is attached to its holder; closing it begins the life's graceful end.
struct Keepalive {
  Fd write_end;
};

// While this is open main waits with what would be rotated away before the starter reads it. To be
// closed when the starter has attached as a reader.
struct ReaderHold {
  Fd write_end;
};

struct StartedLife {
  std::string life_id;
  std::optional<Keepalive> keepalive;     // attached lives
  std::optional<ReaderHold> reader_hold;  // with reader_comes
};

// Both locks must be free and the verb lock held. Returns when main has started. After an error the
// life, if one began, is over or being ended by its shim: the caller runs EndLife and then reports.
Result<StartedLife> StartLife(const StartRequest& request);

}  // namespace boxlite

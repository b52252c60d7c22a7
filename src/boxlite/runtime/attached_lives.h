// AttachedLives: the lives that end with whoever holds this. Shared by the Runtimes of one process
// that belong together (one a thread), so that a life does not end with the thread that started it.
#pragma once

#include <map>
#include <mutex>

#include "boxlite/runtime/box_spec.h"
#include "boxlite/runtime/start_life.h"

namespace boxlite {

// Safe from several threads: the one thing that Runtimes of different threads share.
class AttachedLives {
 public:
  void Keep(const BoxId& id, Keepalive life);
  void Release(const BoxId& id);  // begins that life's graceful end; none of this id: fine
  bool Holds(const BoxId& id);
  // Releases all, and each that comes later at once.
  void ReleaseAll();

 private:
  std::mutex mutex_;
  bool over_ = false;
  std::map<BoxId, Keepalive> lives_;
};

}  // namespace boxlite

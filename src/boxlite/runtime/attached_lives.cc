#include "boxlite/runtime/attached_lives.h"

#include <utility>

namespace boxlite {

void AttachedLives::Keep(const BoxId& id, Keepalive life) {
  const std::lock_guard lock(mutex_);
  if (!over_) lives_.insert_or_assign(id, std::move(life));
}

void AttachedLives::Release(const BoxId& id) {
  const std::lock_guard lock(mutex_);
  lives_.erase(id);
}

bool AttachedLives::Holds(const BoxId& id) {
  const std::lock_guard lock(mutex_);
  return lives_.contains(id);
}

void AttachedLives::ReleaseAll() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  lives_.clear();
}

}  // namespace boxlite

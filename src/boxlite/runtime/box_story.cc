#include "boxlite/runtime/box_story.h"

#include <algorithm>

namespace boxlite {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

// The phase goes to stopping only behind main's start.
bool HasStarted(const LifeFacts& life) {
  if (life.main_exit.present()) return true;
  return life.record.present() && (life.record.value.phase == Phase::kMainStarted ||
                                   life.record.value.phase == Phase::kStopping);
}

std::int64_t StartTime(const LifeFacts& life, std::int64_t otherwise_ns) {
  if (!life.record.present()) return otherwise_ns;
  const LifeRecord& record = life.record.value;
  const std::int64_t started =
      record.started_ns +
      (std::int64_t{record.engine_ms} + record.guest_ms + record.main_ms) * kMillisecond;
  // The steps were counted by another clock.
  return life.main_exit.present() ? std::min(started, life.main_exit.value.at_ns) : started;
}

std::string ReasonOf(const LifeFacts& life) {
  if (!life.outcome.present()) return "its supervisor was lost";
  const LifeOutcome& outcome = life.outcome.value;
  if (outcome.kind == OutcomeKind::kEnded) return "it was ended before main had an exit code";
  return (outcome.stage.empty() ? "" : "at " + outcome.stage + ": ") + outcome.reason;
}

std::optional<int> ExitCodeOf(const LifeFacts& life) {
  if (life.main_exit.present()) return life.main_exit.value.exit.ShellCode();
  if (!life.outcome.present()) return std::nullopt;
  // As a shell says it of a command that could not be started.
  if (life.outcome.value.code == ErrorCode::kCommandNotFound) return 127;
  if (life.outcome.value.code == ErrorCode::kCommandNotExecutable) return 126;
  return std::nullopt;
}

}  // namespace

std::string_view EventName(EventKind kind) {
  switch (kind) {
    case EventKind::kCreate:
      return "create";
    case EventKind::kStart:
      return "start";
    case EventKind::kDie:
      return "die";
    case EventKind::kStop:
      return "stop";
    case EventKind::kRename:
      return "rename";
    case EventKind::kDestroy:
      return "destroy";
  }
  return "";
}

BoxEvent BoxStory::Event(EventKind kind, std::int64_t time_ns) const {
  return {kind, id_, time_ns, name_, image_, labels_, {}};
}

void BoxStory::TellSpec(const BoxFacts& facts, std::int64_t now_ns, std::vector<BoxEvent>& events) {
  if (!facts.spec) {
    if (!created_) events.push_back(Event(EventKind::kCreate, now_ns));
    created_ = true;
    return;
  }
  const BoxSpec& spec = *facts.spec;
  const std::string old_name = name_;
  name_ = spec.name;
  image_ = spec.image;
  labels_ = spec.labels;
  if (!created_) {
    events.push_back(Event(EventKind::kCreate, spec.created_ns));
  } else if (named_ && old_name != name_) {
    BoxEvent event = Event(EventKind::kRename, facts.spec_changed_ns);
    event.attributes["oldName"] = old_name;
    events.push_back(std::move(event));
  }
  created_ = true;
  named_ = true;
}

void BoxStory::TellLife(const LifeFacts& life, std::vector<BoxEvent>& events) {
  const bool over = life.over || life.outcome.present();
  const std::int64_t end_ns = life.main_exit.present() ? life.main_exit.value.at_ns
                              : life.outcome.present() ? life.outcome.value.at_ns
                                                       : life.lost_ns;
  if (!started_ && HasStarted(life)) {
    events.push_back(Event(EventKind::kStart, StartTime(life, end_ns)));
    started_ = true;
  }
  if (!died_ && (life.main_exit.present() || over)) {
    BoxEvent event = Event(EventKind::kDie, end_ns);
    if (const std::optional<int> code = ExitCodeOf(life)) {
      event.attributes["exitCode"] = std::to_string(*code);
    }
    if (!life.main_exit.present()) event.attributes["reason"] = ReasonOf(life);
    events.push_back(std::move(event));
    died_ = true;
  }
  if (stopped_ || !over) return;
  stopped_ = true;
  if (life.outcome.present() && life.outcome.value.requested) {
    events.push_back(Event(EventKind::kStop, life.outcome.value.at_ns));
  }
}

// Of the life that was told of last, when nothing more can be learnt of it.
void BoxStory::CloseLife(std::int64_t now_ns, std::vector<BoxEvent>& events) {
  if (started_ && !died_) {
    BoxEvent event = Event(EventKind::kDie, now_ns);
    event.attributes["reason"] = "what it left was removed before it was read";
    events.push_back(std::move(event));
  }
  started_ = died_ = stopped_ = false;
}

std::vector<BoxEvent> BoxStory::Update(const BoxFacts& facts, std::int64_t now_ns) {
  std::vector<BoxEvent> events;
  TellSpec(facts, now_ns, events);
  for (const LifeFacts& life : facts.lives) {
    if (life.number < life_) continue;
    if (life.number > life_) {
      CloseLife(life.record.present() ? life.record.value.started_ns : now_ns, events);
      life_ = life.number;
    }
    TellLife(life, events);
  }
  return events;
}

std::vector<BoxEvent> BoxStory::End(std::int64_t now_ns) {
  std::vector<BoxEvent> events;
  if (!created_) events.push_back(Event(EventKind::kCreate, now_ns));
  CloseLife(now_ns, events);
  events.push_back(Event(EventKind::kDestroy, now_ns));
  return events;
}

}  // namespace boxlite

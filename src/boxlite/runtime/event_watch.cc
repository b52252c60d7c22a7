#include "boxlite/runtime/event_watch.h"

#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "boxlite/base/files.h"
#include "boxlite/base/wall_clock.h"
#include "boxlite/runtime/box_facts.h"
#include "boxlite/runtime/end_life.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/inotify.h"
#include "boxlite/runtime/verb_lock.h"

namespace boxlite {
namespace {

// What the home's files tell by: a box by one rename into boxes/ or out of it, a spec, a life and
// its documents by renames too. A supervisor that dies closes its lock and its log.
constexpr std::uint32_t kHomeEvents = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t kBoxesEvents = IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM;
constexpr std::uint32_t kBoxEvents = IN_MOVED_TO | IN_CLOSE_WRITE;
constexpr std::uint32_t kLivesEvents = IN_MOVED_TO;

// A box changes a few times in its life: what changes on each of so many looks is damaged.
constexpr int kMaxLooks = 100;

struct Watched {
  explicit Watched(const BoxId& id) : story(id) {}
  BoxStory story;
  std::set<int> watches;
  std::uint64_t life_watched = 0;
  std::optional<ProcessHandle> shim;  // of a live box: its end is seen, whatever it leaves
  std::uint64_t shim_life = 0;
};

class EventWatch {
 public:
  EventWatch(Home home, Inotify inotify, const EventOptions& options, const EventSink& sink)
      : home_(std::move(home)),
        inotify_(std::move(inotify)),
        options_(options),
        sink_(sink),
        since_ns_(options.since_ns.value_or(WallClockNowNs())) {}

  Status Run() {
    BOXLITE_ASSIGN_OR_RETURN(home_watch_, inotify_.Watch(home_.fd(), kHomeEvents));
    BOXLITE_ASSIGN_OR_RETURN(boxes_watch_, inotify_.Watch(home_.boxes_fd(), kBoxesEvents));
    BOXLITE_RETURN_IF_ERROR(Scan());
    BOXLITE_RETURN_IF_ERROR(LookAtDirty(/*first=*/true));
    for (;;) {
      BOXLITE_ASSIGN_OR_RETURN(Wake wake, Await());
      if (wake == Wake::kStop) return {};
      BOXLITE_RETURN_IF_ERROR(TakeNotifications());
      if (home_is_gone_) return EndAll();
      if (overflown_) {
        overflown_ = false;
        Note("the kernel dropped notifications: boxes that came and went meanwhile are missing");
        BOXLITE_RETURN_IF_ERROR(Scan());
      }
      BOXLITE_RETURN_IF_ERROR(LookAtDirty(/*first=*/false));
    }
  }

 private:
  enum class Wake { kLook, kStop };

  void Note(const std::string& text) const {
    if (sink_.note) sink_.note(text);
  }

  // Everything that is there, and everything that was, is looked at.
  Status Scan() {
    BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxId> ids, home_.ListBoxes());
    for (const auto& [id, box] : boxes_) dirty_.insert(id);
    for (const BoxId& id : ids) Arrive(id);
    return {};
  }

  void Arrive(const BoxId& id) {
    // Its end was told already: ids are not used twice, so this is late news of its begin.
    if (ended_.contains(id)) return;
    boxes_.try_emplace(id, id);
    dirty_.insert(id);
  }

  Result<Wake> Await() {
    for (;;) {
      int timeout = -1;
      if (options_.until_ns) {
        const std::int64_t left_ms = (*options_.until_ns - WallClockNowNs()) / 1'000'000 + 1;
        if (*options_.until_ns <= WallClockNowNs()) return Wake::kStop;
        timeout = static_cast<int>(std::min<std::int64_t>(left_ms, INT_MAX));
      }
      std::vector<pollfd> polls = {{inotify_.fd(), POLLIN, 0}, {options_.stop_fd, POLLIN, 0}};
      std::vector<BoxId> owners;
      for (const auto& [id, box] : boxes_) {
        if (!box.shim) continue;
        polls.push_back({box.shim->fd(), POLLIN, 0});
        owners.push_back(id);
      }
      const int ready = ::poll(polls.data(), polls.size(), timeout);
      if (ready < 0 && errno != EINTR) return ErrnoError("wait for events");
      if (ready <= 0) continue;
      if (polls[1].revents != 0) return Wake::kStop;
      for (std::size_t i = 0; i < owners.size(); ++i) {
        if (polls[i + 2].revents == 0) continue;
        dirty_.insert(owners[i]);
        boxes_.at(owners[i]).shim.reset();
      }
      return Wake::kLook;
    }
  }

  Status TakeNotifications() {
    return inotify_.TakeAll([this](const Notification& one) {
      if ((one.mask & IN_Q_OVERFLOW) != 0) {
        overflown_ = true;
      } else if (one.watch == home_watch_) {
        home_is_gone_ = home_is_gone_ || one.name == "boxes";
      } else if (one.watch == boxes_watch_) {
        const std::optional<BoxId> id = BoxId::Parse(one.name);
        if (!id) return;
        if ((one.mask & (IN_CREATE | IN_MOVED_TO)) != 0) Arrive(*id);
        if ((one.mask & (IN_DELETE | IN_MOVED_FROM)) != 0 && ended_.erase(*id) == 0) {
          Arrive(*id);
          gone_.insert(*id);
        }
      } else if (const auto owner = owners_.find(one.watch); owner != owners_.end()) {
        dirty_.insert(owner->second);
        if ((one.mask & IN_IGNORED) != 0) owners_.erase(owner);
      }
    });
  }

  // Looks until nothing asks for another look, then tells what was seen, oldest first.
  Status LookAtDirty(bool first) {
    std::vector<BoxEvent> events;
    for (int looks = 0; !dirty_.empty(); ++looks) {
      const std::set<BoxId> batch = std::exchange(dirty_, {});
      for (const BoxId& id : batch) {
        const auto box = boxes_.find(id);
        if (box == boxes_.end()) continue;
        BOXLITE_ASSIGN_OR_RETURN(bool there, Look(id, box->second, first, events));
        if (!there) End(id, events);
      }
      if (looks > kMaxLooks) return Error(ErrorCode::kUnavailable, "the boxes keep changing");
    }
    return Tell(std::move(events), first);
  }

  // False: the box is gone, and what could be read of it was told.
  Result<bool> Look(const BoxId& id, Watched& box, bool first, std::vector<BoxEvent>& events) {
    Result<Fd> fd = home_.OpenBox(id);
    if (!fd.ok()) {
      if (fd.error().code() == ErrorCode::kNotFound) return false;
      return std::move(fd).error();
    }
    if (Status watched = WatchBox(id, box, fd->get()); !watched.ok()) {
      if (watched.error().code() != ErrorCode::kNotFound) return std::move(watched).error();
      return StillThereOrAgain(id, fd->get());
    }
    const std::int64_t now = WallClockNowNs();
    Result<BoxLook> look = LookAtBox(fd->get(), box.story.life(), first ? 0 : now);
    // Taken out while it was read: its grave tells more than half a look.
    if (!IsStillThere(home_, id, fd->get())) return false;
    if (!look.ok()) return StillThereOrAgain(id, fd->get());
    if (look->evidence.life_number > box.life_watched) dirty_.insert(id);
    Add(box.story.Update(look->facts, now), events);
    FollowShim(id, box, fd->get(), look->evidence);
    return true;
  }

  bool StillThereOrAgain(const BoxId& id, int box_fd) {
    const bool there = IsStillThere(home_, id, box_fd);
    if (there) dirty_.insert(id);
    return there;
  }

  // Before anything is read: what changes behind the reading makes a notification.
  Status WatchBox(const BoxId& id, Watched& box, int box_fd) {
    BOXLITE_RETURN_IF_ERROR(WatchFor(id, box, box_fd, kBoxEvents));
    Result<Fd> lives = OpenDirectory(box_fd, kLivesDir);
    if (!lives.ok())
      return lives.error().code() == ErrorCode::kNotFound ? Status() : Status(lives.error());
    BOXLITE_RETURN_IF_ERROR(WatchFor(id, box, lives->get(), kLivesEvents));
    BOXLITE_ASSIGN_OR_RETURN(LivesSummary summary, ReadLives(box_fd));
    if (summary.newest == 0) return {};
    BOXLITE_ASSIGN_OR_RETURN(Fd life, OpenDirectory(box_fd, LifePath(summary.newest)));
    BOXLITE_RETURN_IF_ERROR(WatchFor(id, box, life.get(), kLivesEvents));
    box.life_watched = summary.newest;
    return {};
  }

  Status WatchFor(const BoxId& id, Watched& box, int directory_fd, std::uint32_t events) {
    BOXLITE_ASSIGN_OR_RETURN(int watch, inotify_.Watch(directory_fd, events));
    owners_.insert_or_assign(watch, id);
    box.watches.insert(watch);
    return {};
  }

  // A supervisor that is killed writes nothing.
  void FollowShim(const BoxId& id, Watched& box, int box_fd, const Evidence& evidence) {
    const bool lives = evidence.shim_lock == LockState::kHeld && evidence.life_number > 0;
    if (!lives || evidence.life_pending) {
      box.shim.reset();
      return;
    }
    if (box.shim && box.shim_life == evidence.life_number) return;
    Result<ProcessHandle> shim = FindShim(box_fd, evidence);
    if (shim.ok()) {
      box.shim = std::move(*shim);
      box.shim_life = evidence.life_number;
      // It may have ended, and its pidfd been closed with the news, before we had this one.
      if (Result<bool> ended = box.shim->WaitEnded(0); ended.ok() && *ended) dirty_.insert(id);
    } else if (shim.error().code() == ErrorCode::kNotFound) {
      dirty_.insert(id);  // it has just left: the next look sees the lock free
    }
    // Another user's, or in another pid namespace: its files' closing has to do.
  }

  void End(const BoxId& id, std::vector<BoxEvent>& events) {
    const auto found = boxes_.find(id);
    if (found == boxes_.end()) return;
    Watched& box = found->second;
    LookInTrash(id, box.story, events);
    Add(box.story.End(WallClockNowNs()), events);
    for (const int watch : box.watches) {
      inotify_.Forget(watch);
      owners_.erase(watch);
    }
    boxes_.erase(found);
    // Unless the notification came first, it is still to come.
    if (gone_.erase(id) == 0) ended_.insert(id);
  }

  // rm renames a box into the trash and then deletes it: for a moment it can still be read.
  void LookInTrash(const BoxId& id, BoxStory& story, std::vector<BoxEvent>& events) const {
    if (home_.trash_fd() < 0) return;
    Result<std::vector<std::string>> graves = ListDirectory(home_.trash_fd());
    if (!graves.ok()) return;
    for (const std::string& grave : *graves) {
      if (!grave.starts_with(id.str() + "-")) continue;
      Result<Fd> fd = OpenDirectory(home_.trash_fd(), grave);
      if (!fd.ok()) return;
      const std::int64_t now = WallClockNowNs();
      Result<BoxLook> look = LookAtBox(fd->get(), story.life(), now);
      if (!look.ok()) return;
      // Of a life whose last words are deleted already nothing can be said.
      std::erase_if(look->facts.lives, [](const LifeFacts& life) {
        return !life.main_exit.present() && !life.outcome.present();
      });
      if (look->facts.spec || !look->facts.lives.empty()) {
        Add(story.Update(look->facts, now), events);
      }
      return;
    }
  }

  static void Add(std::vector<BoxEvent> more, std::vector<BoxEvent>& events) {
    std::move(more.begin(), more.end(), std::back_inserter(events));
  }

  // By time, but never a box's own events in another order than its story's.
  Status Tell(std::vector<BoxEvent> events, bool first) {
    std::map<BoxId, std::int64_t> latest;
    std::vector<std::pair<std::int64_t, BoxEvent>> ordered;
    for (BoxEvent& event : events) {
      const auto known = latest.find(event.id);
      const std::int64_t key =
          known == latest.end() ? event.time_ns : std::max(known->second, event.time_ns);
      latest.insert_or_assign(event.id, key);
      ordered.emplace_back(key, std::move(event));
    }
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [key, event] : ordered) {
      // Only of what was there at the begin some is the past; a clock may be set back later.
      if (first && event.time_ns < since_ns_) continue;
      if (options_.until_ns && event.time_ns > *options_.until_ns) continue;
      BOXLITE_RETURN_IF_ERROR(sink_.take(event));
    }
    return {};
  }

  Status EndAll() {
    std::vector<BoxEvent> events;
    while (!boxes_.empty()) End(BoxId(boxes_.begin()->first), events);
    BOXLITE_RETURN_IF_ERROR(Tell(std::move(events), /*first=*/false));
    return Error(ErrorCode::kUnavailable, "the home " + home_.path() + " was removed or renamed");
  }

  Home home_;
  Inotify inotify_;
  const EventOptions& options_;
  const EventSink& sink_;
  std::int64_t since_ns_;
  int home_watch_ = -1;
  int boxes_watch_ = -1;
  bool home_is_gone_ = false;
  bool overflown_ = false;
  std::map<BoxId, Watched> boxes_;
  std::map<int, BoxId> owners_;  // of watches
  std::set<BoxId> dirty_;        // to be looked at
  std::set<BoxId> gone_;         // taken out by a notification, not yet told
  std::set<BoxId> ended_;        // told before the notification of it came
};

// The home as soon as it is there; nullopt: the options ended the wait.
Result<std::optional<Home>> AwaitHome(const std::string& path, const EventOptions& options) {
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(Inotify inotify, Inotify::Create());
    // The nearest directory that is there: something must appear in it first.
    std::string above = path;
    for (;;) {
      Result<Fd> fd = OpenDirectoryPath(above);
      if (fd.ok()) {
        BOXLITE_ASSIGN_OR_RETURN(int watch, inotify.Watch(fd->get(), kBoxesEvents));
        static_cast<void>(watch);
        break;
      }
      if (fd.error().code() != ErrorCode::kNotFound || above == "/") return std::move(fd).error();
      const std::size_t slash = above.rfind('/');
      above = slash == 0 ? "/" : above.substr(0, slash);
    }
    BOXLITE_ASSIGN_OR_RETURN(std::optional<Home> home, Home::OpenIfExists(path));
    if (home) return home;
    int timeout = -1;
    if (options.until_ns) {
      const std::int64_t left_ms = (*options.until_ns - WallClockNowNs()) / 1'000'000 + 1;
      if (left_ms <= 0) return std::optional<Home>();
      timeout = static_cast<int>(std::min<std::int64_t>(left_ms, INT_MAX));
    }
    pollfd polls[] = {{inotify.fd(), POLLIN, 0}, {options.stop_fd, POLLIN, 0}};
    if (::poll(polls, 2, timeout) < 0 && errno != EINTR) return ErrnoError("wait for the home");
    if (polls[1].revents != 0) return std::optional<Home>();
  }
}

}  // namespace

Status WatchEvents(const std::string& home_path, const EventOptions& options,
                   const EventSink& sink) {
  EventOptions from_now = options;
  // A home that appears later appears with all its boxes.
  if (!from_now.since_ns) from_now.since_ns = WallClockNowNs();
  BOXLITE_ASSIGN_OR_RETURN(std::optional<Home> home, AwaitHome(home_path, from_now));
  if (!home) return {};
  BOXLITE_ASSIGN_OR_RETURN(Inotify inotify, Inotify::Create());
  return EventWatch(std::move(*home), std::move(inotify), from_now, sink).Run();
}

}  // namespace boxlite

// Watching a home: inotify and pidfds say when to look, BoxStory what has happened. Nothing is
// written, nobody is asked; any number of watchers may look at one home.
#pragma once

#include <string>

#include "boxlite/base/result.h"
#include "boxlite/runtime/events.h"

namespace boxlite {

// Blocks until the options or the sink end it. A home that is not there yet is waited for.
// kResourceExhausted names the limit of inotify that was met; kUnavailable: the home went away.
Status WatchEvents(const std::string& home_path, const EventOptions& options,
                   const EventSink& sink);

}  // namespace boxlite

// Reading what a BoxStory is told from: everything of a box that lasts. Writes nothing.
#pragma once

#include "boxlite/base/result.h"
#include "boxlite/runtime/box_story.h"
#include "boxlite/runtime/evidence.h"

namespace boxlite {

// What is in the box's directory, with the lives from number `from` on.
struct BoxLook {
  BoxFacts facts;
  Evidence evidence;  // of the newest life
};
// The end of a life that left no word of it is `now_ns`, or, when that is 0, the time of the last
// file that it wrote. An error means that the directory cannot be read, mostly because it is gone.
Result<BoxLook> LookAtBox(int box_fd, std::uint64_t from, std::int64_t now_ns);

}  // namespace boxlite

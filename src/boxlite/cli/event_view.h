// An event as `events` shows it. Pure.
//
// --format json, one document a line, with docker's keys:
//   status, id, from, Type ("box"), Action, Actor: {ID, Attributes: {name, image, labels…, and
//   exitCode or reason of die, oldName of rename}}, scope, time (seconds), timeNano
#pragma once

#include <string>

#include "boxlite/cli/document.h"
#include "boxlite/runtime/events.h"

namespace boxlite::cli {

// "2026-11-24T14:18:05.123456789+01:00 box die 1a2b… (exitCode=3, image=boxlite/base, name=web)\n"
std::string EventLine(const BoxEvent& event);
Document EventEntry(const BoxEvent& event);
// The same, with the keys that docker's templates have: ID, Status, From, Time, TimeNano.
Document EventForTemplate(const BoxEvent& event);

}  // namespace boxlite::cli

// What a program of the box may do: docker's default capabilities, and its user.
#pragma once

#include "boxlite/agent/user_database.h"
#include "boxlite/base/result.h"

namespace boxlite {

// Makes the calling process `identity`, with docker's 14 capabilities as its bound: root has them
// in effect, another user has none. Irreversible; for the process that is about to run the program.
Status BecomeUser(const UserIdentity& identity);

}  // namespace boxlite

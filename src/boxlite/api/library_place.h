// Where the library's own file is, and the helpers that were installed with it.
#pragma once

#include <string>

namespace boxlite::v0::internal {

// $BOXLITE_LIBEXEC, else libexec/boxlite in a directory above the one that holds libboxlite.so (the
// nearest of three that has a shim: lib/ or lib/<triplet>/ below the prefix). Empty: nowhere; the
// runtime then looks beside the running program.
std::string FindHelpersBesideLibrary();

}  // namespace boxlite::v0::internal

// What a start needs from this host: the engine, its accelerator, the guest's kernel and the image.
#pragma once

#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/shim_birth.h"

namespace boxlite {

// Where the helpers and the guest's parts are: `given`, else $BOXLITE_LIBEXEC, else
// ../libexec/boxlite beside the running program. kNotFound, naming the place, when there is no
// shim.
Result<std::string> FindLibexec(const std::string& given);

// Fills in engine, accelerator and kernel of a birth message. $BOXLITE_ENGINE=fake:<program> puts
// the tests' engine in QEMU's place. kNotFound or kUnavailable say what to install or to change.
Status ChooseEngine(const Home& home, const std::string& libexec, ShimBirth& birth);

// The directory of an image's base in the home. kNotFound, in words, when it is gone.
Result<Fd> OpenBoxImage(const Home& home, const std::string& digest);

}  // namespace boxlite

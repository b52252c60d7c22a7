#include "boxlite/error.h"

#include <cstdio>
#include <cstdlib>

namespace boxlite::v0 {

void FailedAccess(const Error* error) noexcept {
  if (error == nullptr) {
    static_cast<void>(std::fputs("boxlite: the error of a success was asked for\n", stderr));
  } else {
    static_cast<void>(std::fprintf(stderr, "boxlite: the value of an error was asked for: %s\n",
                                   error->message().c_str()));
  }
  std::abort();
}

}  // namespace boxlite::v0

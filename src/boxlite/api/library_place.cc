#include "boxlite/api/library_place.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace boxlite::v0::internal {

std::string FindHelpersBesideLibrary() {
  if (const char* given = std::getenv("BOXLITE_LIBEXEC"); given != nullptr && *given != '\0') {
    return given;
  }
  Dl_info info = {};
  if (::dladdr(reinterpret_cast<const void*>(&FindHelpersBesideLibrary), &info) == 0) return "";
  char* real = ::realpath(info.dli_fname, nullptr);
  if (real == nullptr) return "";
  std::string place = real;
  std::free(real);  // NOLINT: realpath's
  for (int up = 0; up < 4; ++up) {
    place.erase(std::min(place.rfind('/'), place.size()));
    const std::string helpers = place + "/libexec/boxlite";
    if (::access((helpers + "/boxlite-shim").c_str(), X_OK) == 0) return helpers;
  }
  return "";
}

}  // namespace boxlite::v0::internal

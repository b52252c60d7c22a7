#include "boxlite/base/error_code.h"

namespace boxlite {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
#define BOXLITE_X(enumerator, number, name) \
  case ErrorCode::enumerator:               \
    return name;
    BOXLITE_ERROR_CODES(BOXLITE_X)
#undef BOXLITE_X
  }
  return "internal";
}

ErrorCode ErrorCodeFromNumber(std::uint16_t number) {
  switch (number) {
#define BOXLITE_X(enumerator, value, name) \
  case value:                              \
    return ErrorCode::enumerator;
    BOXLITE_ERROR_CODES(BOXLITE_X)
#undef BOXLITE_X
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace boxlite

// The closed list of failure kinds, each named by what the caller can do about it.
#pragma once

#include <cstdint>
#include <string_view>

namespace boxlite {

// Numbers are on the wire and in files: append only, never renumber. docs/errors.md has one line
// for each. BOXLITE_ERROR_CODES(X) calls X(enumerator, number, name); outer surfaces build their
// own tables from it, so that none can miss a code.
#define BOXLITE_ERROR_CODES(X)                   \
  X(kInternal, 1, "internal")                    \
  X(kInvalidArgument, 2, "invalid_argument")     \
  X(kNotFound, 3, "not_found")                   \
  X(kAlreadyExists, 4, "already_exists")         \
  X(kWrongState, 5, "wrong_state")               \
  X(kUnavailable, 6, "unavailable")              \
  X(kTimeout, 7, "timeout")                      \
  X(kResourceExhausted, 8, "resource_exhausted") \
  X(kPermissionDenied, 9, "permission_denied")   \
  X(kUnsupported, 10, "unsupported")             \
  X(kCorrupt, 11, "corrupt")                     \
  X(kConflict, 12, "conflict")                   \
  X(kCommandNotFound, 13, "command_not_found")   \
  X(kCommandNotExecutable, 14, "command_not_executable")

enum class ErrorCode : std::uint16_t {
#define BOXLITE_X(enumerator, number, name) enumerator = number,
  BOXLITE_ERROR_CODES(BOXLITE_X)
#undef BOXLITE_X
};

// The stable lower-case name, as JSON and the REST surface show it.
std::string_view ErrorCodeName(ErrorCode code);

// The code with this number; kInternal for a number that this build does not know (a newer peer's).
ErrorCode ErrorCodeFromNumber(std::uint16_t number);

}  // namespace boxlite

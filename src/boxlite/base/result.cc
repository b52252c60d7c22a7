#include "boxlite/base/result.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace boxlite {
namespace {

ErrorCode CodeOfErrno(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ESRCH:
      return ErrorCode::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return ErrorCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ErrorCode::kResourceExhausted;
    case ETIMEDOUT:
      return ErrorCode::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return ErrorCode::kUnavailable;
    case EINVAL:
    case ENAMETOOLONG:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

Error ErrnoError(const std::string& what, int error_number) {
  return Error(CodeOfErrno(error_number), what + ": " + std::strerror(error_number));
}

Error ErrnoError(const std::string& what) { return ErrnoError(what, errno); }

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "boxlite: broken invariant at %s:%d: %s\n", file, line, condition);
  std::abort();
}

}  // namespace boxlite

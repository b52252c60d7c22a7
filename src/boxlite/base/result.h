// Result<T>: a value or an Error that the caller must look at. Exceptions do not cross a folder's
// public header; kj's are turned into Errors in rpc/error_mapping, JSON's where JSON is parsed.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "boxlite/base/error_code.h"

namespace boxlite {

// What failed, for a person (message) and for code (code). Each level that passes an error on adds
// what it was doing with While(): the message then reads from the outermost to the cause.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  Error While(const std::string& doing) && {
    message_ = doing + ": " + message_;
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string message_;
};

// The Error of a failed system call: `what`, then errno's text; the code follows from errno.
Error ErrnoError(const std::string& what, int error_number);
Error ErrnoError(const std::string& what);  // with the current errno

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // value() of an error, and error() of a value, are bugs of the caller: they abort.
  T& value() & { return *std::get_if<0>(Checked<0>()); }
  const T& value() const& { return *std::get_if<0>(Checked<0>()); }
  T&& value() && { return std::move(*std::get_if<0>(Checked<0>())); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return *std::get_if<1>(Checked<1>()); }
  Error&& error() && { return std::move(*std::get_if<1>(Checked<1>())); }

 private:
  template <std::size_t kIndex>
  std::variant<T, Error>* Checked() {
    if (state_.index() != kIndex) std::abort();
    return &state_;
  }
  template <std::size_t kIndex>
  const std::variant<T, Error>* Checked() const {
    if (state_.index() != kIndex) std::abort();
    return &state_;
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    if (!error_) std::abort();
    return *error_;
  }
  Error&& error() && {
    if (!error_) std::abort();
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

#define BOXLITE_CONCAT_INNER(a, b) a##b
#define BOXLITE_CONCAT(a, b) BOXLITE_CONCAT_INNER(a, b)

// Returns the error of `expression` from the enclosing function, or goes on.
#define BOXLITE_RETURN_IF_ERROR(expression)                             \
  do {                                                                  \
    auto boxlite_status = (expression);                                 \
    if (!boxlite_status.ok()) return std::move(boxlite_status).error(); \
  } while (false)

// `declaration` becomes the value of `expression`, or its error is returned.
#define BOXLITE_ASSIGN_OR_RETURN(declaration, expression) \
  BOXLITE_ASSIGN_OR_RETURN_INNER(BOXLITE_CONCAT(boxlite_result_, __LINE__), declaration, expression)
#define BOXLITE_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                           \
  if (!result.ok()) return std::move(result).error();                   \
  declaration = std::move(result).value()

// For mistakes inside our own code only, never for input: says where, and aborts.
#define BOXLITE_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::boxlite::CheckFailed(#condition, __FILE__, __LINE__))
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace boxlite

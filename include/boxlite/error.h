// How every failure is told: Result<T> is a value or an Error, which has a code to decide by and a
// message for a person. No function of this library throws (but for std::bad_alloc), and none
// aborts over what it was given, a guest said or a file holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "boxlite/export.h"

BOXLITE_BEGIN_NAMESPACE

// Each is named by what the caller can do. The numbers never change, and new ones may be appended:
// have a `default:` in a switch.
enum class ErrorCode : std::uint16_t {
  kInternal = 1,           // a bug, or something that nobody thought of: report it
  kInvalidArgument = 2,    // what was asked makes no sense: change it
  kNotFound = 3,           // no such box, execution or image
  kAlreadyExists = 4,      // the name is taken
  kWrongState = 5,         // not while the box is in this state, or not with this handle any more
  kUnavailable = 6,        // the other side is not there or does not answer
  kTimeout = 7,            // it was not done in time
  kResourceExhausted = 8,  // memory, disk, descriptors, threads
  kPermissionDenied = 9,   // the system said no
  kUnsupported = 10,       // this host, or this version, cannot
  kCorrupt = 11,           // a file or a peer holds what it must not
  kConflict = 12,          // somebody else is doing it or has it
  kCommandNotFound = 13,   // the program is not in the box
  kCommandNotExecutable = 14,
};

// "wrong_state" and so on: stable.
BOXLITE_API std::string_view ErrorCodeName(ErrorCode code) noexcept;

class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  // One line: what failed, on which box, why, and often what to do.
  const std::string& message() const { return message_; }

 private:
  ErrorCode code_;
  std::string message_;
};

// Says which error was taken for a value, on stderr, and aborts.
[[noreturn]] BOXLITE_API void FailedAccess(const Error* error) noexcept;

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // To ask an error for its value, or a value for its error, is a bug of the caller: it aborts and
  // says so. Ask ok() first.
  T& value() & { return Value(); }
  const T& value() const& { return const_cast<Result*>(this)->Value(); }
  T&& value() && { return std::move(Value()); }
  T& operator*() & { return Value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(Value()); }
  T* operator->() { return &Value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    const Error* error = std::get_if<1>(&state_);
    if (error == nullptr) FailedAccess(nullptr);
    return *error;
  }

 private:
  T& Value() {
    if (T* value = std::get_if<0>(&state_)) return *value;
    FailedAccess(std::get_if<1>(&state_));
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
  const Error& error() const {
    if (!error_) FailedAccess(nullptr);
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

BOXLITE_END_NAMESPACE

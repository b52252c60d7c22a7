// Session: what a subcommand works with, one a process.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "boxlite/cli/console.h"
#include "boxlite/runtime/images.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

class Session {
 public:
  // `home`: --home; empty: not given.
  Session(Console& console, std::string home) : console_(console), home_(std::move(home)) {}
  // With a runtime that exists already: tests'.
  Session(Console& console, std::unique_ptr<Runtime> runtime)
      : console_(console), runtime_(std::move(runtime)) {}

  Console& console() { return console_; }
  const std::string& home() const { return home_; }

  // Opened at the first call. Failures were not reported yet.
  Result<Runtime*> runtime() {
    if (!runtime_) {
      RuntimeOptions options;
      options.home = home_;
      BOXLITE_ASSIGN_OR_RETURN(runtime_, Runtime::Open(std::move(options)));
    }
    return runtime_.get();
  }

  // Of the same home; nothing is opened yet.
  Images images() const { return Images(home_, ""); }

  // Reports the error; returns the exit code that goes with it.
  int Fail(const Error& error) {
    console_.Report(error);
    return kExitFailure;
  }

 private:
  Console& console_;
  std::string home_;
  std::unique_ptr<Runtime> runtime_;
};

}  // namespace boxlite::cli

// Runtime: the boxes of one home. docs/library.md is the guide; what is said there of threads,
// signals, descriptors and fork holds for everything in these headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "boxlite/box.h"
#include "boxlite/error.h"
#include "boxlite/image.h"

BOXLITE_BEGIN_NAMESPACE

// "0.1.0", of the library that is loaded.
BOXLITE_API const char* Version() noexcept;

struct RuntimeOptions {
  // Empty: $BOXLITE_HOME, else $HOME/.boxlite. Made by the first call that needs it.
  std::string home;
  // Empty: $BOXLITE_LIBEXEC, else ../libexec/boxlite as seen from the library's own file.
  std::string libexec;
};

struct HomeInfo {
  std::string path;
  bool exists = false;
  std::size_t boxes = 0;
  std::size_t running = 0;
  std::string libexec;      // where the helpers are, or why there are none
  std::string engine;       // path of QEMU, or why there is none
  std::string accelerator;  // "kvm" or "tcg", and why
};

// Any number of Runtimes, in any number of processes, may share a home. All calls may come from any
// thread, at the same time; the thread may end, be cancelled by nobody, and block any signal.
//
// Moved, not copied. Boxes and executions that came from it remember it and answer kWrongState once
// it is closed.
class BOXLITE_API Runtime {
 public:
  // Touches nothing of the home yet. kInvalidArgument: a home that cannot be one. kUnsupported: a
  // kernel before Linux 5.11.
  static Result<Runtime> Open(RuntimeOptions options = {});

  Runtime(Runtime&& other) noexcept;
  Runtime& operator=(Runtime&& other) noexcept;
  // As Close().
  ~Runtime();

  // kAlreadyExists: the name is taken. After an error no box was made.
  Result<Box> Create(const BoxOptions& options, Timeout timeout = kForever);
  // Creates and starts. After an error no box is left.
  Result<Box> Run(const BoxOptions& options, Attachment attachment = Attachment::kDetached,
                  Timeout timeout = kForever);
  // By its id, its name or a unique beginning of its id. kNotFound.
  Result<Box> Find(const std::string& reference, Timeout timeout = kForever);
  // Newest first. Reads only: nothing is started, changed or signalled.
  Result<std::vector<BoxInfo>> List(Timeout timeout = kForever);
  Result<std::vector<ImageInfo>> Images(Timeout timeout = kForever);
  Result<HomeInfo> Info(Timeout timeout = kForever);

  // Ends the calls that wait in other threads (kUnavailable), lets go of all executions and begins
  // the graceful end of the boxes that were started attached, without waiting for that. Detached
  // boxes live on. Returns when no thread of the library's is left; a stop that is under way is
  // waited for. Not from a callback. Again is fine.
  void Close() noexcept;

 private:
  explicit Runtime(std::shared_ptr<internal::Core> core);
  std::shared_ptr<internal::Core> core_;
};

BOXLITE_END_NAMESPACE

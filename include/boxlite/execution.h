// Execution: one program in a box, beside its main command, with its streams.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/error.h"

BOXLITE_BEGIN_NAMESPACE

namespace internal {
class ExecutionState;
}

// How long a call may take: each says what is true after its kTimeout. kForever: as long as it
// takes.
using Timeout = std::chrono::milliseconds;
inline constexpr Timeout kForever = Timeout::max();

// How a program ended: one of the two is set.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;
  // As a shell shows it: the code, or 128 + the signal's number.
  int ShellCode() const { return signal ? 128 + *signal : code.value_or(0); }
  bool ok() const { return !signal && code == 0; }
};

// In characters.
struct TerminalSize {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
};

// Called with each piece of a stream, in order, none lost and none twice, on a thread that serves
// this one execution, with the descriptors of the program that uses the library. It may block (when
// 1 MiB waits for it, the program in the box waits; nothing else does) and may call any function of
// the library but Wait() and WriteStdin() of its own execution. It must not throw. No call comes
// any more once the execution has ended, the handle is gone, or the Runtime is closed; the
// destructors wait for a call under way.
using OutputCallback = std::function<void(std::string_view bytes)>;

struct ExecOptions {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // over the box's
  std::string working_dir;                 // empty: the box's
  std::string user;                        // "name", "uid", "name:group"; empty: the box's
  bool open_stdin = false;                 // else the program reads end-of-file at once
  // The program gets a terminal of this size; all its output then comes as stdout.
  std::optional<TerminalSize> terminal;
  // After it the program and all that it started are ended: SIGTERM, two seconds later SIGKILL.
  // 0: none.
  Timeout time_limit{0};
  OutputCallback on_stdout;  // not set: that stream is not looked at
  OutputCallback on_stderr;
};

// To go on reading an execution that another process, or an earlier handle, started.
struct ReattachOptions {
  // The streams go on at these bytes, or at the oldest ones kept where that is later: see
  // Execution::stdout_begin().
  std::uint64_t stdout_from = 0;
  std::uint64_t stderr_from = 0;
  bool open_stdin = false;
  OutputCallback on_stdout;
  OutputCallback on_stderr;
};

struct ExecResult {
  ExitStatus exit;
  bool timed_out = false;  // ExecOptions::time_limit ended it
  // Whole lengths of the streams.
  std::uint64_t stdout_end = 0;
  std::uint64_t stderr_end = 0;
};

struct ExecutionInfo {
  std::string id;
  std::vector<std::string> argv;
  bool running = false;
  std::optional<ExitStatus> exit;  // when it has ended
  bool timed_out = false;
  bool terminal = false;
  bool attached = false;  // somebody reads its output now
  std::chrono::system_clock::time_point started;
  std::optional<std::chrono::system_clock::time_point> ended;
  // The bytes of each stream that can still be asked for: from begin to end.
  std::uint64_t stdout_begin = 0;
  std::uint64_t stdout_end = 0;
  std::uint64_t stderr_begin = 0;
  std::uint64_t stderr_end = 0;
};

// A hold on the streams of a program that runs in a box. Moved, not copied; its calls may come from
// any thread and at the same time. To let go of it (the destructor, Detach(), Runtime::Close(), the
// death of this process) does not end the program: its id finds it again (Box::Reattach()), with
// what it wrote meanwhile. Signal(SIGKILL) ends it.
class BOXLITE_API Execution {
 public:
  Execution(Execution&& other) noexcept;
  Execution& operator=(Execution&& other) noexcept;
  ~Execution();

  // Of use in every process, for as long as the box's life lasts.
  const std::string& id() const;

  // Where the streams of this hold began: 0 for a program that this handle started. Bytes that
  // Reattach() was asked for and that lie before it are not kept any more.
  std::uint64_t stdout_begin() const;
  std::uint64_t stderr_begin() const;

  // Hands over input and returns how many bytes were taken: all of them, or less when the timeout
  // passed first. It waits while more than 1 MiB is under way. kTimeout: none was taken.
  // kUnavailable: the program reads no more, or has ended. kWrongState: its input is not open here.
  Result<std::size_t> WriteStdin(std::string_view bytes, Timeout timeout = kForever);
  // End-of-file, after all that was handed over. Again is fine.
  Status CloseStdin();

  // Its end, after the last call of the callbacks; as often as asked, and by many at once.
  // kTimeout: it goes on as if nobody had waited. kUnavailable: the box went away first.
  // kWrongState: this hold was let go of, so that nobody here can know.
  Result<ExecResult> Wait(Timeout timeout = kForever);
  std::future<Result<ExecResult>> WaitAsync();

  // To all of its process group. kWrongState: it has ended.
  Status Signal(int number, Timeout timeout = kForever);
  // kWrongState: it has no terminal, or ended. The program is told a moment later.
  Status Resize(TerminalSize size);

  // Lets go; the callbacks are over when it returns, the program lives on and its input stays open.
  Status Detach();

 private:
  friend class Box;
  explicit Execution(std::shared_ptr<internal::ExecutionState> state);
  std::shared_ptr<internal::ExecutionState> state_;
};

BOXLITE_END_NAMESPACE

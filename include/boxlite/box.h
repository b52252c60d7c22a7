// Box: a handle of one box, and what can be asked of it.
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

#include "boxlite/copy.h"
#include "boxlite/error.h"
#include "boxlite/execution.h"

BOXLITE_BEGIN_NAMESPACE

namespace internal {
class Core;
}

// What a new box is, decided once. What is not said comes from the image or the defaults.
struct BoxOptions {
  std::string image = "boxlite/base";
  std::string name;                                    // empty: none
  std::vector<std::string> command;                    // replaces the image's
  std::optional<std::vector<std::string>> entrypoint;  // replaces the image's; {}: none
  std::map<std::string, std::string> env;              // over the image's
  std::string working_dir;
  std::string user;
  std::string hostname;                     // default: the box's id
  std::optional<std::uint32_t> cpus;        // default 1
  std::optional<std::uint64_t> memory_mib;  // default 512, at least 128
  std::optional<std::uint64_t> disk_bytes;  // default 10 GiB; only what is used takes room
  std::map<std::string, std::string> labels;
  bool remove_on_exit = false;  // the box removes itself when its main command has ended
};

// Of one life of a box, from its start to its end.
enum class Attachment {
  kAttached,  // it ends, gracefully, with the Runtime that started it, or with this process
  kDetached,  // it goes on until somebody ends it, whatever becomes of this process
};

// Never stored: found out anew each time, from locks that the kernel keeps and files that the box's
// own supervisor writes.
enum class BoxState { kConfigured, kStarting, kRunning, kStopping, kStopped, kFailed };
BOXLITE_API std::string_view BoxStateName(BoxState state) noexcept;  // "running"

struct BoxInfo {
  std::string id;
  BoxState state = BoxState::kConfigured;
  std::string reason;              // why it is in this state, in words
  std::optional<ExitStatus> exit;  // of the main command, in its newest life, when it is known
  std::uint64_t life = 0;          // how often it was started
  bool attached = false;           // its newest life
  // Inspect() only: "ok", or why the supervisor of a live box does not answer.
  std::string handshake;
  // Why the rest could not be read (a damaged box, or one of a newer version); empty: it could.
  std::string damage;
  std::string name;
  std::string image;
  std::string image_digest;
  std::vector<std::string> command;  // complete: entrypoint and command
  std::map<std::string, std::string> labels;
  std::uint32_t cpus = 0;
  std::uint64_t memory_mib = 0;
  std::uint64_t disk_bytes = 0;
  std::chrono::system_clock::time_point created;
};

// What a running box uses. Of the box: what its guest says.
struct BoxUsage {
  std::chrono::milliseconds cpu{0};  // of all programs in the box so far
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_limit_bytes = 0;
  std::uint32_t processes = 0;
  std::uint64_t disk_used_bytes = 0;
  std::uint64_t disk_size_bytes = 0;
  // Of its processes on the host, supervisor and machine together; nothing: it could not be told.
  std::optional<std::chrono::milliseconds> host_cpu;
  std::optional<std::uint64_t> host_memory_bytes;  // what is shared counted in parts
};

struct StopResult {
  bool forced = false;             // something had to be killed: see note
  std::string note;                // what
  std::optional<ExitStatus> exit;  // of the main command, when it is known
};

enum class Stream { kStdout, kStderr };

struct LogOptions {
  bool follow = false;                      // go on until this life has ended
  std::optional<std::uint64_t> tail_lines;  // only the last ones of what is there
};

struct CapturedOutput {
  ExecResult result;
  std::string out;
  std::string err;
};

// A handle is the box's id and nothing more: it can be copied, it survives stop and start and the
// end of every process, and each call finds out anew what is there. kNotFound after its removal.
// All calls may come from any thread, at the same time; those on one box queue where they must. A
// box that already is as asked is a success.
//
// After kTimeout the library has stopped waiting: a start is given up and undone in the background,
// a stop goes on in the background, the other calls have changed nothing.
class BOXLITE_API Box {
 public:
  const std::string& id() const { return id_; }

  // Returns when the main command has been started. After an error nothing of the box lives, its
  // state is `failed` with the reason, and its disk is intact.
  Status Start(Attachment attachment = Attachment::kDetached, Timeout timeout = kForever);
  // The main command gets its stop signal, `grace` later SIGKILL; then the disk is flushed. Success
  // only when nothing of the box lives any more.
  Result<StopResult> Stop(Timeout grace = std::chrono::seconds(10), Timeout timeout = kForever);
  Status Restart(Timeout grace = std::chrono::seconds(10),
                 Attachment attachment = Attachment::kDetached, Timeout timeout = kForever);
  // A signal to the main command. kWrongState: the box does not run.
  Status Kill(int signal_number, Timeout timeout = kForever);
  enum class Force { kNo, kYes };
  // With kYes what lives is ended first, else it is kWrongState.
  Status Remove(Force force = Force::kNo, Timeout timeout = kForever);
  // How the main command ended: of the life that runs, else of the last one. kWrongState: it never
  // lived, or that life ended without (the machine was lost).
  Result<ExitStatus> Wait(Timeout timeout = kForever);
  Result<BoxInfo> Inspect(Timeout timeout = kForever);
  // In every state. A name that it has already is fine; kAlreadyExists for another box's,
  // kInvalidArgument for one that is no name.
  Status Rename(const std::string& name, Timeout timeout = kForever);
  // kWrongState: it does not run.
  Result<BoxUsage> Usage(Timeout timeout = kForever);

  // Files from the host into the box, and out of it, streamed. A stopped box without a command of
  // its own is booted for it and stopped again. After an error, kTimeout too, the copy has ended
  // and what was copied stays; after kTimeout a box that was booted for it ends with the Runtime.
  Result<CopyReport> CopyIn(const std::string& host_path, const std::string& box_path,
                            CopyOptions options = {}, Timeout timeout = kForever);
  Result<CopyReport> CopyOut(const std::string& box_path, const std::string& host_path,
                             CopyOptions options = {}, Timeout timeout = kForever);

  // The main command's output of all lives, to `on_output`, on the calling thread, until it
  // returns false, the log or the followed life ends, or the timeout passes (kTimeout). Pieces of
  // one stream come in order.
  using LogCallback = std::function<bool(Stream stream, std::string_view bytes)>;
  Status Logs(const LogOptions& options, LogCallback on_output, Timeout timeout = kForever);

  // Runs another program. Returns when it has been executed; a stopped box without a command of its
  // own is started for it. kCommandNotFound and kCommandNotExecutable say what they say. After
  // kTimeout it may have been started: Executions() tells.
  Result<Execution> Exec(ExecOptions options, Timeout timeout = kForever);
  // The same, whole: returns its end and all its output. kResourceExhausted: it wrote more than
  // `limit` bytes, and was killed. kTimeout: it took too long; the box ends it, and all that it
  // started, as by ExecOptions::time_limit of this timeout, also when this process is gone by then,
  // and also what the program left running when it ended in time.
  // options.on_stdout and on_stderr are called too.
  Result<CapturedOutput> ExecAndCapture(ExecOptions options, Timeout timeout = kForever,
                                        std::size_t limit = 64 << 20);
  // A program that nobody reads for now. Gives its id, for Reattach().
  Result<std::string> ExecDetached(const ExecOptions& options, Timeout timeout = kForever);

  // The programs of this life that run, or whose end and output are still kept; oldest first.
  Result<std::vector<ExecutionInfo>> Executions(Timeout timeout = kForever);
  // kNotFound: none of this id is kept. kConflict: somebody else reads it.
  Result<Execution> Reattach(const std::string& execution_id, ReattachOptions options,
                             Timeout timeout = kForever);

  // As above, without waiting: the result comes into the future, from a thread of the library's.
  // The future may be thrown away; its destructor does not block.
  std::future<Status> StartAsync(Attachment attachment = Attachment::kDetached);
  std::future<Result<StopResult>> StopAsync(Timeout grace = std::chrono::seconds(10));
  std::future<Status> RemoveAsync(Force force = Force::kNo);
  std::future<Result<ExitStatus>> WaitAsync();

 private:
  friend class Runtime;
  Box(std::shared_ptr<internal::Core> core, std::string id);
  std::shared_ptr<internal::Core> core_;
  std::string id_;
};

BOXLITE_END_NAMESPACE

// Runtime: everything that can be asked of the boxes in one home. Any number of Runtimes, in any
// number of processes, may share a home; none of them is needed for a detached box to live on.
//
// All calls block. A Runtime belongs to the thread that opened it (its event loop does). Failures
// are typed (base/error_code.h); unless a call says otherwise, the box is as it was before a failed
// call.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/runtime/box_spec.h"
#include "boxlite/runtime/box_state.h"
#include "boxlite/runtime/box_use.h"
#include "boxlite/runtime/copy_options.h"
#include "boxlite/runtime/events.h"
#include "boxlite/runtime/exec_options.h"
#include "boxlite/runtime/images.h"
#include "boxlite/runtime/program_io.h"

namespace boxlite {

class AttachedLives;

struct RuntimeOptions {
  // Empty: $BOXLITE_HOME, else $HOME/.boxlite. Made by the first call that changes something.
  std::string home;
  // Empty: found beside the running program (../libexec/boxlite), or $BOXLITE_LIBEXEC.
  std::string libexec;
  // The lives that this Runtime starts attached end with the last holder of it. Null: with the
  // Runtime.
  std::shared_ptr<AttachedLives> attached;
};

// What a user says of a new box; what is not said comes from the image or the defaults.
struct CreateOptions {
  std::string image;                       // a name, or the digest of one in the home
  std::string rootfs;                      // instead: an OCI layout, "DIR" or "DIR:NAME"
  PullPolicy pull = PullPolicy::kMissing;  // whether a registry is asked for it
  ImageEventSink on_image;                 // how getting it goes on; may be empty
  std::string name;
  std::vector<std::string> command;                    // replaces the image's Cmd
  std::optional<std::vector<std::string>> entrypoint;  // replaces the image's; {} or {""}: none
  std::vector<std::string> env;                        // KEY=VALUE, over the image's
  std::string working_dir;
  std::string user;
  std::string hostname;  // default: the box's id
  std::optional<std::uint32_t> cpus;
  std::optional<std::uint64_t> memory_mib;
  std::optional<std::uint64_t> disk_bytes;
  std::map<std::string, std::string> labels;
  std::optional<int> stop_signal;  // of main, before it is killed; default: the image's, SIGTERM
  bool remove_on_exit = false;
  bool terminal = false;
  bool interactive = false;
  std::string accelerator = "auto";
};

enum class Attachment {
  kAttached,  // the life ends, gracefully, when this process does
  kDetached,  // the life goes on until somebody ends it
};

struct LogOptions {
  bool follow = false;  // go on until this life has ended
  // How it is shown: as LogView of log_printer.h.
  std::optional<std::uint64_t> tail_lines;
  std::optional<std::int64_t> since_ns;
  std::optional<std::int64_t> until_ns;  // with `follow`: goes on until then at most
  bool timestamps = false;
  int stdout_fd = 1;
  int stderr_fd = 2;
};

// One box as `ls` and `inspect` show it.
struct BoxInfo {
  BoxId id;
  Result<BoxSpec> spec;  // kCorrupt or kUnsupported: listed all the same
  DerivedState derived;
  std::uint64_t life_number = 0;  // 0: never started
  std::optional<LifeRecord> record;
  std::optional<MainExit> main_exit;
  std::optional<LifeOutcome> outcome;
  // Filled by Inspect() only: "ok", or why the shim of a live box did not answer.
  std::string handshake;
};

struct HomeInfo {
  std::string path;
  bool exists = false;
  std::string filesystem;  // "ext4"
  std::size_t boxes = 0;   // in all; those that start or stop are in none of the four below
  std::size_t running = 0;
  std::size_t stopped = 0;
  std::size_t failed = 0;
  std::size_t configured = 0;
  std::size_t images = 0;
  std::string libexec;
  std::string kernel;       // path
  std::string engine;       // path and version, or why there is none
  std::string accelerator;  // "tcg" and why
};

struct EndReport {
  bool forced = false;  // something had to be killed
  std::string note;     // what, in words
  std::optional<ProcessExit> exit;
};

using BoxPredicate = std::function<bool(const BoxInfo&)>;

struct PruneReport {
  std::vector<BoxId> removed;
  std::uint64_t reclaimed_bytes = 0;
  std::vector<Error> failures;  // of boxes that stayed; the others were gone on with
};

class Runtime {
 public:
  // Touches nothing yet. kInvalidArgument for a home that cannot be one.
  static Result<std::unique_ptr<Runtime>> Open(RuntimeOptions options);
  virtual ~Runtime() = default;

  // An id, a name or a unique prefix of an id. kNotFound, or kInvalidArgument naming the candidates
  // of an ambiguous prefix.
  virtual Result<BoxId> Resolve(const std::string& reference) = 0;

  // Writes only below the home. kAlreadyExists for a taken name. After an error no box was made.
  // Gets the image first if it is not there, which takes what it takes; interruptible
  // (base/interrupt.h).
  virtual Result<BoxId> Create(const CreateOptions& options) = 0;

  // Returns when main has started. A running box: success. kCommandNotFound / kCommandNotExecutable
  // when main could not be started; after any failure the box is `failed`, with the stage and the
  // reason in its outcome, no process lives, and its disk is intact.
  virtual Status Start(const BoxId& id, Attachment attachment) = 0;

  // Main gets its stop signal, `grace` later SIGKILL; the guest syncs and powers off. Success only
  // when both locks are free: nothing of the box lives. A stopped box: success, nothing is booted.
  // kTimeout names what still lives.
  virtual Result<EndReport> Stop(const BoxId& id, std::chrono::milliseconds grace) = 0;

  virtual Status Kill(const BoxId& id, int signal_number) = 0;

  enum class Force { kNo, kYes };
  // Without force: kWrongState while anything of the box lives.
  virtual Status Remove(const BoxId& id, Force force) = 0;

  // Runs a program in the box until it ends and its output was delivered. No signal of this process
  // is touched. kUnavailable: the box went away, or the connection to its supervisor was cut; in
  // the latter case, which the message tells, the program lives on and AttachExec() finds it.
  virtual Result<ProgramEnd> Exec(const BoxId& id, const ExecOptions& options) = 0;

  // Starts a program that outlives this process and returns its id once it was executed. Its output
  // and its exit are kept (docs/exec.md says how much and how long) for the five calls below.
  virtual Result<std::string> ExecDetached(const BoxId& id, const ExecOptions& options) = 0;

  // Joins an exec that somebody else started, or started and lost. kNotFound: none of this id is
  // kept. kConflict: another client reads its output or feeds its input. kWrongState: the box does
  // not run; its input has ended; kInvalidArgument: an offset behind the stream's end.
  virtual Result<ProgramEnd> AttachExec(const BoxId& id, const std::string& exec_id,
                                        const AttachExecOptions& options) = 0;

  // Those that run and those that are kept, oldest first. kWrongState when the box does not run:
  // execs end with the life, and what was kept of them too.
  virtual Result<std::vector<ExecInfo>> Execs(const BoxId& id) = 0;

  // Blocks until it has ended; answers as often as asked while the exec is kept. Takes no output.
  virtual Result<ProgramEnd> WaitExec(const BoxId& id, const std::string& exec_id) = 0;

  // To its process group. kWrongState: it has ended.
  virtual Status SignalExec(const BoxId& id, const std::string& exec_id, int number) = 0;

  // Files into the box or out of it, streamed: docs/cp.md has docker's table of what becomes where.
  // What was copied before a failure stays; no process does. A stopped box whose command is its
  // image's is booted for it and stopped again.
  virtual Result<CopyReport> Copy(const BoxId& id, const CopyOptions& options) = 0;

  // Main's exit, of the life that runs or of the last one. Blocks until it is known. kWrongState
  // for a life that ended without main's exit, and for a box that never lived.
  virtual Result<ProcessExit> Wait(const BoxId& id) = 0;

  virtual Status Logs(const BoxId& id, const LogOptions& options) = 0;

  // Starts a box and stays with it: copies main's output to the streams while it lives, feeds its
  // input, and returns main's exit with all output written. Main waits for a reader that is slow;
  // nothing is lost. A box that runs already is joined, as by Attach().
  //
  // When nobody reads the output any more (its OutputTarget fails): an error. An attached life has
  // then been told by SIGPIPE and ends; a detached one lives on.
  struct ForegroundOptions {
    ProgramStreams streams;
    TerminalSize terminal_size = {0, 0};  // main's terminal begins with it; 0 x 0: unknown
    // kDetached: the life is not the caller's and outlives it, as `start -a` wants.
    Attachment attachment = Attachment::kAttached;
    // When it becomes readable while the box still boots, the start ends (kUnavailable). -1: none.
    int interrupt_fd = -1;
    // Called when main has started, before the first byte is copied.
    std::function<void()> on_started;
  };
  virtual Result<ProgramEnd> RunForeground(const BoxId& id, const ForegroundOptions& options) = 0;

  // Joins main of a running box: its output from now on, its input (stdin_fd), its controls; any
  // number of callers at once. Returns at main's end, or when the caller detached. kWrongState for
  // a box that does not run.
  struct AttachOptions {
    ProgramStreams streams;
    TerminalSize terminal_size = {0,
                                  0};   // main's terminal gets it, and draws anew; 0 x 0: as it is
    std::function<void()> on_attached;  // before the first byte is copied
  };
  virtual Result<ProgramEnd> Attach(const BoxId& id, const AttachOptions& options) = 0;

  // All boxes, newest first. Reads only: no byte of the home changes, nothing is started or
  // signalled.
  virtual Result<std::vector<BoxInfo>> List() = 0;
  virtual Result<BoxInfo> Inspect(const BoxId& id) = 0;
  virtual Result<HomeInfo> Info() = 0;

  // In every state, also a running one. A name that it has already is fine; kAlreadyExists for
  // another box's, kInvalidArgument for one that is no name.
  virtual Status Rename(const BoxId& id, const std::string& name) = 0;

  // Removes the boxes that are configured, stopped or failed and for which `wanted` says so when it
  // is asked under their verb lock. Spares those that live, that somebody changes right now, or
  // whose spec cannot be read.
  virtual Result<PruneReport> Prune(const BoxPredicate& wanted) = 0;

  // What the box occupies on the home's filesystem: its overlay, logs and lives.
  virtual Result<std::uint64_t> DiskUsage(const BoxId& id) = 0;

  // What happens to the boxes of this home, whoever does it, until `until_ns` or stop_fd. Works on
  // a home that is read-only, or not there yet. kUnavailable when the home goes away.
  virtual Status WatchEvents(const EventOptions& options, const EventSink& sink) = 0;
  // What a running box does and uses. kWrongState: it does not run, or stopped while one looked;
  // kTimeout: its guest does not answer.
  virtual Result<BoxProcesses> Processes(const BoxId& id) = 0;
  virtual Result<BoxUse> Statistics(const BoxId& id) = 0;
};

}  // namespace boxlite

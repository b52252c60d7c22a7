// The Runtime over files, locks and shims. Its sources: runtime_impl.cc (find, create, look),
// runtime_lifecycle.cc (start, stop, kill, remove), runtime_exec.cc (execs), runtime_io.cc (wait,
// and connections to shims), runtime_logs.cc (logs), runtime_attach.cc (foreground run, attach),
// runtime_copy.cc (cp), runtime_manage.cc (rename, prune, sizes, events), runtime_look.cc
// (processes, statistics).
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <map>
#include <optional>

#include "boxlite/runtime/attached_lives.h"
#include "boxlite/runtime/evidence.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/log_follow.h"
#include "boxlite/runtime/main_session.h"
#include "boxlite/runtime/runtime.h"
#include "boxlite/runtime/shim_client.h"
#include "boxlite/runtime/start_life.h"

namespace boxlite {

class RuntimeImpl final : public Runtime {
 public:
  RuntimeImpl(RuntimeOptions options, std::string home_path);
  // kj's members have destructors that may throw; the interface's may not.
  ~RuntimeImpl() noexcept override = default;

  Result<BoxId> Resolve(const std::string& reference) override;
  Result<BoxId> Create(const CreateOptions& options) override;
  Status Start(const BoxId& id, Attachment attachment) override;
  Result<EndReport> Stop(const BoxId& id, std::chrono::milliseconds grace) override;
  Status Kill(const BoxId& id, int signal_number) override;
  Status Remove(const BoxId& id, Force force) override;
  Result<ProgramEnd> Exec(const BoxId& id, const ExecOptions& options) override;
  Result<std::string> ExecDetached(const BoxId& id, const ExecOptions& options) override;
  Result<ProgramEnd> AttachExec(const BoxId& id, const std::string& exec_id,
                                const AttachExecOptions& options) override;
  Result<std::vector<ExecInfo>> Execs(const BoxId& id) override;
  Result<ProgramEnd> WaitExec(const BoxId& id, const std::string& exec_id) override;
  Status SignalExec(const BoxId& id, const std::string& exec_id, int number) override;
  Result<CopyReport> Copy(const BoxId& id, const CopyOptions& options) override;
  Result<ProcessExit> Wait(const BoxId& id) override;
  Status Logs(const BoxId& id, const LogOptions& options) override;
  Result<ProgramEnd> RunForeground(const BoxId& id, const ForegroundOptions& options) override;
  Result<ProgramEnd> Attach(const BoxId& id, const AttachOptions& options) override;
  Result<std::vector<BoxInfo>> List() override;
  Result<BoxInfo> Inspect(const BoxId& id) override;
  Result<HomeInfo> Info() override;
  Status Rename(const BoxId& id, const std::string& name) override;
  Result<PruneReport> Prune(const BoxPredicate& wanted) override;
  Result<std::uint64_t> DiskUsage(const BoxId& id) override;
  Status WatchEvents(const EventOptions& options, const EventSink& sink) override;
  Result<BoxProcesses> Processes(const BoxId& id) override;
  Result<BoxUse> Statistics(const BoxId& id) override;

 private:
  // An existing box, opened: what every verb works on.
  struct OpenBox {
    BoxId id;
    Fd fd;
  };

  kj::AsyncIoContext& io();  // made at the first need: list and inspect mostly do without

  // The home as it is; kNotFound ("no such box") when there is none.
  Result<const Home*> ExistingHome(const std::string& looking_for);
  Result<const Home*> HomeForWriting();
  Result<OpenBox> Open(const BoxId& id);
  static Result<BoxSpec> ReadSpec(int box_fd);
  BoxInfo Describe(const BoxId& id, int box_fd, const Evidence& evidence);

  Result<OfdLock> TakeVerb(const OpenBox& box, const std::string& verb);
  // For verbs that end a life: a start that still boots is told to give up rather than waited for.
  // A stop under way is told of a shorter grace.
  Result<OfdLock> TakeVerbToEnd(const OpenBox& box, const std::string& verb,
                                std::chrono::milliseconds grace);
  // Waits until the box is neither starting nor stopping.
  Status AwaitSettled(const OpenBox& box);
  Status AwaitStarted(const OpenBox& box, const Evidence& evidence);
  // What a start says of its caller; the fields are StartRequest's.
  struct Starter {
    Attachment attachment = Attachment::kDetached;
    StartedBy kind = StartedBy::kNobody;
    bool reader_comes = false;
    TerminalSize terminal_size = {0, 0};
    int interrupt_fd = -1;
  };
  // nullopt: it ran already.
  Result<std::optional<StartedLife>> StartLocked(const OpenBox& box, const OfdLock& verb,
                                                 const Starter& starter);

  Result<std::unique_ptr<ShimClient>> ConnectLive(const OpenBox& box);
  // Connects for exec or cp, booting the box where the verb's rule says so.
  struct Connection {
    std::unique_ptr<ShimClient> client;
    bool booted = false;  // by this call
  };
  Result<Connection> ConnectForVerb(const OpenBox& box, Verb verb, Attachment boot_as);
  Status BootForVerb(const OpenBox& box, Verb verb, BoxState state, Attachment boot_as);
  // What a broken connection means: what became of the box.
  static Error BoxWentAway(const OpenBox& box, Verb verb, Error error);
  Result<std::unique_ptr<ShimClient>> ConnectToLook(const OpenBox& box, const std::string& verb);
  static Error LookFailed(const OpenBox& box, const std::string& verb, Error error);
  // The bytes that its removal gave back; nullopt: it was spared.
  Result<std::optional<std::uint64_t>> PruneOne(const BoxId& id, const BoxPredicate& wanted);
  // To a box that runs or starts; others keep no exec (kWrongState). `doing` begins the message.
  Result<std::unique_ptr<ShimClient>> ConnectForKept(const OpenBox& box, const std::string& doing);
  // Makes "the connection broke" say what became of the box, and of the exec if it lives.
  static Error ExplainCut(Error error, const OpenBox& box, const std::string& exec_id);
  // Until the box's shim has ended, or the time of day has come.
  Status FollowLife(const OpenBox& box, LogFollower& follower,
                    std::optional<std::int64_t> until_ns);
  // The recorded end of the newest life, or the typed error of a life without one.
  static Result<ProcessExit> RecordedExit(const Evidence& evidence, const BoxId& id);
  // Of a call that stayed with main and met its end, or lost its shim, or came too late for it.
  // `log_begin`: for one that came too late to attach.
  Result<ProgramEnd> EndOfSession(const OpenBox& box, std::unique_ptr<ShimClient> client,
                                  std::unique_ptr<MainSession> session, Result<ProgramEnd> end,
                                  const ProgramStreams& streams, std::uint64_t log_begin);
  Result<ProgramEnd> EndOfLostSession(const OpenBox& box, MainSession* session, const Error& error,
                                      const ProgramStreams& streams, std::uint64_t log_begin);
  // After nobody reads the output of an attached life: as a broken pipe ends a program.
  Status BreakPipe(const OpenBox& box, ShimClient& client);
  // Blocks until the box's shim has ended.
  Status AwaitShimEnd(const OpenBox& box, const Evidence& evidence);

  RuntimeOptions options_;
  std::string home_path_;
  std::optional<Home> home_;
  std::optional<kj::AsyncIoContext> io_;
  std::shared_ptr<AttachedLives> attached_;
};

}  // namespace boxlite

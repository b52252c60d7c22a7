// MainSession: a client with main while a call of the Runtime blocks: its output from the log, its
// input, what the caller does to it. Shared by foreground run and attach.
#pragma once

#include <kj/async-io.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "boxlite/runtime/log_follow.h"
#include "boxlite/runtime/program_input.h"
#include "boxlite/runtime/program_io.h"
#include "boxlite/runtime/shim_client.h"

namespace boxlite {

class MainSession final : private ProgramControls, private kj::TaskSet::ErrorHandler {
 public:
  // Attaches at the log's offset `from` (nullopt: its end as it is now): from here on main waits
  // for this session. `client` and `streams` must outlive it.
  static Result<std::unique_ptr<MainSession>> Open(kj::AsyncIoContext& io, ShimClient& client,
                                                   int box_fd, const ProgramStreams& streams,
                                                   std::optional<std::uint64_t> from);

  // Of main's terminal; nothing happens to a main without one.
  void Resize(TerminalSize size) override;
  void Signal(int number) override;

  // Blocks until main has ended and its output was shown, the caller detached, or an OutputTarget
  // failed: then output_failed() is true, and main lives on.
  Result<ProgramEnd> Run();
  bool output_failed() const { return output_failed_; }

  // What is in the log now; after the writer is gone that is all.
  Status Drain() { return follower_->Drain(); }

 private:
  MainSession(kj::AsyncIoContext& io, ShimClient& client, const ProgramStreams& streams)
      : io_(io), shim_(client.shim()), streams_(streams), sending_(*this) {}
  void Detach() override;
  Status Take(const LogRecord& record);
  kj::Promise<void> PumpInput();
  void taskFailed(kj::Exception&& exception) override;

  kj::AsyncIoContext& io_;
  wire::Shim::Client shim_;
  const ProgramStreams& streams_;
  std::optional<wire::MainAttachment::Client> attachment_;
  std::unique_ptr<LogFollower> follower_;
  bool output_failed_ = false;
  kj::Own<kj::PromiseFulfiller<void>> detached_;
  // Calls whose answers nobody needs: main may have ended, and then its end is seen elsewhere.
  kj::TaskSet sending_;
};

}  // namespace boxlite

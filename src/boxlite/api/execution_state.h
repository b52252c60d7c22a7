// ExecutionState: what an Execution handle holds: the call that serves one program's streams, on a
// worker of its own while it lasts.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "boxlite/api/call.h"
#include "boxlite/api/core.h"
#include "boxlite/base/fd.h"

namespace boxlite::v0::internal {

class ExecutionState final : public Call, public std::enable_shared_from_this<ExecutionState> {
 public:
  ExecutionState(std::shared_ptr<Core> core, std::string box_id, ExecOptions options);
  // Goes on with `execution_id`.
  ExecutionState(std::shared_ptr<Core> core, std::string box_id, std::string execution_id,
                 ReattachOptions options);

  // Until the program was executed, or the streams were joined.
  Status Begin(Timeout timeout);

  const std::string& id() const { return id_; }
  std::uint64_t begin(Stream stream) const { return begins_[stream == Stream::kStderr]; }
  Result<std::size_t> WriteStdin(std::string_view bytes, Timeout timeout);
  Status CloseStdin();
  Result<ExecResult> Wait(Timeout timeout);
  // The end, unless the timeout passes or somebody calls Abandon() first: then nothing.
  std::optional<Result<ExecResult>> WaitUnlessAbandoned(Timeout timeout);
  void Abandon();  // from any thread, a callback's too
  std::future<Result<ExecResult>> WaitAsync();
  Status Signal(int number, Timeout timeout);
  Status Resize(TerminalSize size);
  Status Detach();

  void Run(inner::Runtime& runtime) override;
  void Refuse(const Error& why) override;
  void GiveUp() override;

 private:
  inner::Result<inner::ProgramEnd> RunWithStreams(inner::Runtime& runtime, int stdin_fd);
  inner::ProgramStreams Streams(int stdin_fd);
  // Output goes from the worker through memory to a thread that was made by the embedder's: only
  // there do the descriptors that a callback uses mean what its writer thinks.
  inner::Status Take(Stream stream, std::string_view bytes);
  void CallBack();  // that thread's whole life
  bool HasCallbacks() const { return options_.on_stdout || options_.on_stderr; }
  void Feed(inner::Fd pipe);  // the feeder thread's whole life
  void ObeyOrders(inner::ProgramControls& controls);
  void Begun(const std::string& id);
  void Settle(Result<ExecResult> end);
  // kWrongState: too late.
  Status Order(std::function<void(inner::ProgramControls&)> order);

  const std::shared_ptr<Core> core_;
  const std::string box_id_;
  const ExecOptions options_;
  const std::optional<ReattachOptions> reattach_;
  std::string id_;  // written before begun_
  std::uint64_t begins_[2] = {0, 0};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  bool detaching_ = false;
  bool abandoned_ = false;
  std::thread::id callback_thread_;
  struct Piece {
    Stream stream;
    std::string bytes;
  };
  std::deque<Piece> output_;
  std::size_t output_bytes_ = 0;
  bool output_over_ = false;
  bool calling_back_ = false;
  std::optional<Result<ExecResult>> end_;
  std::vector<std::promise<Result<ExecResult>>> waiters_;
  std::deque<std::function<void(inner::ProgramControls&)>> orders_;
  const bool takes_input_;
  std::deque<std::string> input_;
  std::size_t input_bytes_ = 0;
  bool input_closed_ = false;  // by us: what is queued still goes
  bool input_over_ = false;    // nobody reads it
};

}  // namespace boxlite::v0::internal

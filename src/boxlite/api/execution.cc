#include "boxlite/execution.h"

#include "boxlite/api/execution_state.h"

namespace boxlite::v0 {

Execution::Execution(std::shared_ptr<internal::ExecutionState> state) : state_(std::move(state)) {}
Execution::Execution(Execution&& other) noexcept = default;

Execution& Execution::operator=(Execution&& other) noexcept {
  if (this != &other) {
    if (state_) static_cast<void>(state_->Detach().ok());
    state_ = std::move(other.state_);
  }
  return *this;
}

Execution::~Execution() {
  if (state_) static_cast<void>(state_->Detach().ok());
}

const std::string& Execution::id() const { return state_->id(); }
std::uint64_t Execution::stdout_begin() const { return state_->begin(Stream::kStdout); }
std::uint64_t Execution::stderr_begin() const { return state_->begin(Stream::kStderr); }
Result<std::size_t> Execution::WriteStdin(std::string_view bytes, Timeout timeout) {
  return state_->WriteStdin(bytes, timeout);
}
Status Execution::CloseStdin() { return state_->CloseStdin(); }
Result<ExecResult> Execution::Wait(Timeout timeout) { return state_->Wait(timeout); }
std::future<Result<ExecResult>> Execution::WaitAsync() { return state_->WaitAsync(); }
Status Execution::Signal(int number, Timeout timeout) { return state_->Signal(number, timeout); }
Status Execution::Resize(TerminalSize size) { return state_->Resize(size); }
Status Execution::Detach() { return state_->Detach(); }

}  // namespace boxlite::v0

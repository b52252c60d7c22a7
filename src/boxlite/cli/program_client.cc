#include "boxlite/cli/program_client.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "boxlite/cli/signals.h"

namespace boxlite::cli {

Result<std::unique_ptr<ProgramClient>> ProgramClient::Open(const Console& console, Wish wish) {
  if (wish.terminal && wish.input && ::isatty(STDIN_FILENO) != 1) {
    return Error(ErrorCode::kInvalidArgument,
                 "stdin is no terminal, and the box's terminal (-t) wants the keys of one: " +
                     std::string(wish.without_terminal));
  }
  if (wish.terminal) wish.proxies_signals = false;
  std::unique_ptr<ProgramClient> client(new ProgramClient(std::move(wish)));
  BOXLITE_ASSIGN_OR_RETURN(
      client->signals_,
      CatchSignals(client->wish_.proxies_signals ? ForwardedSignals() : EndingSignals()));
  client->out_fd_ = console.out_fd();
  ProgramStreams& streams = client->streams_;
  streams.out.fd = console.out_fd();
  streams.err.fd = console.err_fd();
  if (client->wish_.input) streams.stdin_fd = STDIN_FILENO;
  ProgramClient* self = client.get();
  streams.controls.push_back(
      {client->signals_.get(), [self](ProgramControls& program) { self->OnSignal(program); }});
  if (client->wish_.terminal) {
    if (client->wish_.input) streams.detach_keys = client->wish_.detach_keys;
    BOXLITE_ASSIGN_OR_RETURN(client->terminal_events_, OpenSignals({SIGWINCH, SIGCONT, SIGTSTP}));
    streams.controls.push_back({client->terminal_events_.get(),
                                [self](ProgramControls& program) { self->OnTerminal(program); }});
  }
  return client;
}

TerminalSize ProgramClient::size() const {
  return SizeOfTerminal({out_fd_, STDIN_FILENO}).value_or(TerminalSize{0, 0});
}

void ProgramClient::Begin() {
  if (!wish_.terminal) return;
  if (wish_.input) {
    Result<std::unique_ptr<LocalTerminal>> raw = LocalTerminal::MakeRaw(STDIN_FILENO);
    // A terminal that went away meanwhile: its end is read from it.
    if (raw.ok()) raw_ = std::move(*raw);
  }
  BlockSignals({SIGWINCH, SIGCONT, SIGTSTP});
  // The window may have changed while the box booted: looked at as soon as somebody listens.
  ::raise(SIGWINCH);
}

void ProgramClient::End() { raw_.reset(); }

int ProgramClient::TakeInterruption() const { return TakeSignal(signals_.get()); }

void ProgramClient::OnSignal(ProgramControls& program) {
  for (int number; (number = TakeSignal(signals_.get())) != 0;) {
    if (!wish_.proxies_signals) Die(number);
    program.Signal(number);
  }
}

void ProgramClient::OnTerminal(ProgramControls& program) {
  for (int number; (number = TakeSignal(terminal_events_.get())) != 0;) {
    if (number == SIGTSTP) Stop();
    if (raw_) raw_->Resume();
    TellSize(program);
  }
}

void ProgramClient::TellSize(ProgramControls& program) const {
  const TerminalSize now = size();
  if (now.rows != 0) program.Resize(now);
}

void ProgramClient::Stop() {
  if (raw_) raw_->Pause();
  ::raise(SIGSTOP);
}

void ProgramClient::Die(int number) {
  End();
  ::signal(number, SIG_DFL);
  ::raise(number);
  UnblockSignals({number});
  ::_exit(128 + number);
}

}  // namespace boxlite::cli

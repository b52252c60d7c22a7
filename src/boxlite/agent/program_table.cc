#include "boxlite/agent/program_table.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

namespace boxlite {

ProgramTable::ProgramTable(kj::UnixEventPort& event_port)
    : event_port_(event_port), reaping_(ReapForEver().eagerlyEvaluate(nullptr)) {}

Status ProgramTable::CheckRoomFor(const std::string& id) {
  ForgetFinished();
  if (programs_.contains(id)) {
    return Error(ErrorCode::kAlreadyExists, "a program with the id " + id + " runs already");
  }
  if (programs_.size() >= kMaxPrograms) {
    return Error(ErrorCode::kResourceExhausted,
                 "the box runs " + std::to_string(kMaxPrograms) + " programs already");
  }
  return {};
}

void ProgramTable::Add(const std::string& id, kj::Own<Program> program) {
  programs_.insert_or_assign(id, kj::mv(program));
}

bool ProgramTable::any_alive() const {
  return std::any_of(programs_.begin(), programs_.end(),
                     [](const auto& entry) { return !entry.second->ended(); });
}

kj::Promise<void> ProgramTable::WhenAllEnded() {
  if (!any_alive()) return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  waiting_.push_back(kj::mv(paf.fulfiller));
  return kj::mv(paf.promise);
}

kj::Promise<void> ProgramTable::ReapForEver() {
  // A signal that comes before the next wait for it stays pending: none is missed.
  return event_port_.onSignal(SIGCHLD).then([this](siginfo_t&&) {
    Reap();
    return ReapForEver();
  });
}

void ProgramTable::Reap() {
  // One signal may stand for many ends. Strangers are what the box's orphans leave to init.
  for (;;) {
    siginfo_t info = {};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (info.si_pid == 0) break;
    for (auto& [id, program] : programs_) {
      if (program->pid() == info.si_pid && !program->ended()) {
        program->Ended(info);
        break;
      }
    }
  }
  if (!any_alive()) {
    for (auto& waiting : waiting_) waiting->fulfill();
    waiting_.clear();
  }
  ForgetFinished();
}

void ProgramTable::ForgetFinished() {
  for (auto at = programs_.begin(); at != programs_.end();) {
    at = at->second->TryForget() ? programs_.erase(at) : std::next(at);
  }
}

}  // namespace boxlite

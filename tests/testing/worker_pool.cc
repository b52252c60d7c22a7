#include "testing/worker_pool.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

namespace boxlite::testing {
namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

WorkerPool::WorkerPool(TestHome& home, int size) {
  memory_.Reset(::memfd_create("gate", MFD_CLOEXEC));
  if (::ftruncate(memory_.get(), kPage) != 0) ::abort();
  void* page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
  if (page == MAP_FAILED) ::abort();
  gate_ = static_cast<std::atomic<std::uint32_t>*>(page);
  for (int i = 0; i < size; ++i) workers_.push_back(home.Begin({"serve", "10"}, memory_.get()));
}

WorkerPool::~WorkerPool() {
  for (ToolProcess& worker : workers_) worker.EndInput();
  workers_.clear();
  ::munmap(gate_, kPage);
}

void WorkerPool::Give(const std::vector<std::vector<std::string>>& commands) {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::string line;
    for (const std::string& word : commands.at(i)) line += (line.empty() ? "" : "\t") + word;
    workers_[i].Send(line + "\n");
  }
}

void WorkerPool::GiveAll(const std::vector<std::string>& command) {
  Give(std::vector<std::vector<std::string>>(workers_.size(), command));
}

void WorkerPool::Release() {
  gate_->fetch_add(1);
  ::syscall(SYS_futex, gate_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::vector<Answer> WorkerPool::Collect(milliseconds wait) {
  std::vector<Answer> answers;
  for (ToolProcess& worker : workers_) {
    Answer answer;
    for (;;) {
      const std::optional<std::string> line = worker.ReadLine(wait);
      if (!line) {
        answer.code = "hung";
        answer.message = "no answer: it hangs or crashed";
        break;
      }
      // A program's output may stand before the answer.
      const auto begin = line->find("{\"");
      if (begin == std::string::npos) {
        answer.output += *line + "\n";
        continue;
      }
      answer.exited = true;
      answer.output += line->substr(0, begin);
      answer.json = Json::parse(line->substr(begin), nullptr, /*allow_exceptions=*/false);
      answer.ok = answer.json.value("ok", false);
      answer.code = answer.json.value("code", "");
      answer.message = answer.json.value("message", "");
      break;
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

bool WorkerPool::Has(pid_t pid) const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [pid](const ToolProcess& worker) { return worker.pid() == pid; });
}

}  // namespace boxlite::testing

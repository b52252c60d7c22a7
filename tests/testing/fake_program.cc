#include "testing/fake_program.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "boxlite/rpc/error_mapping.h"

namespace boxlite::testing {
namespace {

constexpr std::size_t kChunk = 64 * 1024;
// 256 KiB is the contract's limit.
constexpr std::size_t kTooMuch = 300 * 1024;

const std::set<std::string>& Commands() {
  static const std::set<std::string> commands = {
      "exit",     "echo",        "echo-err", "env",   "cat",      "sleep-forever", "ignore-term",
      "say-term", "write",       "size",     "read",  "fsync",    "pattern",       "count",
      "deaf",     "leave-child", "spew",     "crash", "poweroff", "big-chunk",     "bogus-signal"};
  return commands;
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 1; i < words.size(); ++i) text += (i > 1 ? " " : "") + words[i];
  return text + "\n";
}

}  // namespace

FakeLookup LookUp(const std::vector<std::string>& argv) {
  if (argv.empty()) return FakeLookup::kMissing;
  if (argv[0] == "not-executable") return FakeLookup::kNotExecutable;
  return Commands().contains(argv[0]) ? FakeLookup::kFound : FakeLookup::kMissing;
}

FakeProgram::FakeProgram(std::vector<std::string> argv, std::vector<std::string> env,
                         FakeDisk& disk, int box_dir_fd, wire::ByteSink::Client out,
                         wire::ByteSink::Client err, std::optional<std::pair<int, int>> terminal)
    : argv_(std::move(argv)),
      env_(std::move(env)),
      disk_(disk),
      box_dir_fd_(box_dir_fd),
      out_(kj::mv(out)),
      err_(kj::mv(err)),
      terminal_(terminal),
      killed_([this]() {
        auto pair = kj::newPromiseAndFulfiller<FakeExit>();
        killer_ = kj::mv(pair.fulfiller);
        return kj::mv(pair.promise);
      }()),
      ended_(kj::evalLater([this]() { return Run(); }).fork()) {}

kj::Promise<FakeExit> FakeProgram::Run() {
  return RunFrom(0).exclusiveJoin(kj::mv(killed_)).then([this](FakeExit&& exit) {
    return Finish(exit);
  });
}

kj::Promise<FakeExit> FakeProgram::Finish(FakeExit exit) {
  if (leaves_child_) {
    // Its pipe has not ended: the agent answers after its drain, and the child writes on.
    exit_ = exit;
    child_ = WriteForEver().eagerlyEvaluate([](kj::Exception&&) {});
    return exit;
  }
  // A reader who left is no reason not to end.
  auto out = out_.endRequest().send().ignoreResult().catch_([](kj::Exception&&) {});
  auto err = err_.endRequest().send().ignoreResult().catch_([](kj::Exception&&) {});
  return out.then([err = kj::mv(err)]() mutable { return kj::mv(err); }).then([this, exit]() {
    exit_ = exit;
    return exit;
  });
}

kj::Promise<FakeExit> FakeProgram::RunFrom(std::size_t begin) {
  std::vector<std::string> words;
  std::size_t next = begin;
  for (; next < argv_.size() && argv_[next] != ";"; ++next) words.push_back(argv_[next]);
  return RunOne(words).then([this, next](FakeExit&& exit) -> kj::Promise<FakeExit> {
    const bool failed = exit.signal || exit.code != 0;
    if (failed || next + 1 >= argv_.size()) return exit;
    return RunFrom(next + 1);
  });
}

kj::Promise<FakeExit> FakeProgram::Say(wire::ByteSink::Client& sink, const std::string& text) {
  auto request = sink.writeRequest();
  request.setBytes(AsBytes(text));
  return request.send().catch_([](kj::Exception&&) {}).then([]() { return FakeExit{0, {}}; });
}

kj::Promise<FakeExit> FakeProgram::RunOne(const std::vector<std::string>& words) {
  const std::string command = words.empty() ? "" : words[0];
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  if (command == "exit") return FakeExit{std::atoi(word(1).c_str()), {}};
  if (command == "echo") return Say(out_, Join(words));
  if (command == "echo-err") return Say(err_, Join(words));
  if (command == "env") {
    for (const std::string& variable : env_) {
      if (variable.starts_with(word(1) + "=")) return Say(out_, variable + "\n");
    }
    return FakeExit{1, {}};
  }
  if (command == "cat") return Cat();
  if (command == "sleep-forever") return kj::Promise<FakeExit>(kj::NEVER_DONE);
  if (command == "ignore-term") {
    on_term_ = OnTerm::kIgnore;
    return kj::Promise<FakeExit>(kj::NEVER_DONE);
  }
  if (command == "say-term") {
    on_term_ = OnTerm::kSay;
    return kj::Promise<FakeExit>(kj::NEVER_DONE);
  }
  if (command == "size") {
    if (!terminal_) return FakeExit{1, {}};
    return Say(out_,
               std::to_string(terminal_->first) + " " + std::to_string(terminal_->second) + "\n");
  }
  if (command == "write") {
    disk_.Write(word(1), word(2));
    return FakeExit{0, {}};
  }
  if (command == "read") return Say(out_, disk_.Read(word(1)) + "\n");
  if (command == "fsync") {
    disk_.Flush();
    return FakeExit{0, {}};
  }
  if (command == "pattern") return Pattern(0, std::strtoul(word(1).c_str(), nullptr, 10));
  if (command == "count") {
    counts_ = true;
    return Count();
  }
  if (command == "deaf") {
    deaf_ = true;
    return kj::Promise<FakeExit>(kj::NEVER_DONE);
  }
  if (command == "leave-child") {
    leaves_child_ = true;
    return FakeExit{0, {}};
  }
  if (command == "spew") return Spew(std::strtoul(word(1).c_str(), nullptr, 10));
  if (command == "crash") ::raise(SIGKILL);
  if (command == "poweroff") ::_exit(0);
  if (command == "big-chunk") return Say(out_, std::string(kTooMuch, 'x'));
  if (command == "bogus-signal") return FakeExit{{}, 200};
  return FakeExit{127, {}};
}

kj::Promise<FakeExit> FakeProgram::Cat() {
  if (!input_.empty()) {
    const std::string part = input_.substr(0, kChunk);
    input_.erase(0, part.size());
    return Say(out_, part).then([this](FakeExit&&) { return Cat(); });
  }
  if (input_ended_) return FakeExit{0, {}};
  auto pair = kj::newPromiseAndFulfiller<void>();
  input_waiter_ = kj::mv(pair.fulfiller);
  return pair.promise.then([this]() { return Cat(); });
}

kj::Promise<FakeExit> FakeProgram::Spew(std::size_t left) {
  if (left == 0) return FakeExit{0, {}};
  const std::size_t size = std::min(left, kChunk);
  return Say(out_, std::string(size, 'x')).then([this, left, size](FakeExit&&) {
    return Spew(left - size);
  });
}

kj::Promise<FakeExit> FakeProgram::Pattern(std::size_t at, std::size_t end) {
  if (at >= end) return FakeExit{0, {}};
  std::string part(std::min(end - at, kChunk), '\0');
  for (std::size_t i = 0; i < part.size(); ++i) part[i] = PatternByte(at + i);
  return Say(out_, part).then([this, next = at + part.size(), end](FakeExit&&) {
    return Pattern(next, end);
  });
}

kj::Promise<FakeExit> FakeProgram::Count() {
  if (input_ended_) {
    return Say(out_, std::to_string(counted_) + " " + std::to_string(hash_) + "\n");
  }
  auto pair = kj::newPromiseAndFulfiller<void>();
  input_waiter_ = kj::mv(pair.fulfiller);
  return pair.promise.then([this]() { return Count(); });
}

kj::Promise<void> FakeProgram::WriteForEver() {
  auto request = out_.writeRequest();
  request.setBytes(AsBytes("late\n"));
  return request.send().then([this]() { return WriteForEver(); });
}

bool FakeProgram::Signal(int number) {
  if (exit_) return false;
  Trace(box_dir_fd_, "signal " + std::to_string(number) + " to " + argv_[0]);
  if (number == 0 || number == SIGCONT || number == SIGSTOP) return true;
  if (number == SIGTERM && on_term_ == OnTerm::kIgnore) return true;
  if (number == SIGTERM && on_term_ == OnTerm::kSay) {
    saying_ = Say(out_, "caught the stop signal\n")
                  .then([this](FakeExit&& exit) { killer_->fulfill(kj::mv(exit)); })
                  .eagerlyEvaluate(nullptr);
    return true;
  }
  killer_->fulfill(FakeExit{{}, number});
  return true;
}

kj::Promise<void> FakeProgram::GiveInput(kj::ArrayPtr<const kj::byte> bytes) {
  if (deaf_) return ended_.addBranch().ignoreResult();
  if (counts_) {
    counted_ += bytes.size();
    hash_ = HashOn(hash_, AsText(bytes));
    return kj::READY_NOW;
  }
  input_.append(AsText(bytes));
  KJ_IF_MAYBE (waiter, input_waiter_) {
    (*waiter)->fulfill();
  }
  return kj::READY_NOW;
}

bool FakeProgram::Resize(int rows, int columns) {
  if (!terminal_) return false;
  terminal_ = {rows, columns};
  Trace(box_dir_fd_, "size " + std::to_string(rows) + " " + std::to_string(columns));
  return true;
}

void FakeProgram::EndInput() {
  Trace(box_dir_fd_, "input of " + argv_[0] + " ended");
  input_ended_ = true;
  KJ_IF_MAYBE (waiter, input_waiter_) {
    (*waiter)->fulfill();
  }
}

}  // namespace boxlite::testing

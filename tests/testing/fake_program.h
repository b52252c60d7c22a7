// FakeProgram: a "program" in the fake machine: a few built-in commands instead of a kernel.
//
//   exit N · echo WORDS · echo-err WORDS · env NAME · cat · sleep-forever · ignore-term · say-term
//   · write KEY VALUE · read KEY · fsync · spew BYTES · crash (the engine kills itself) · poweroff
//   · size (of its terminal, now) · big-chunk (beyond the contract) · bogus-signal (an exit no
//   kernel gives)
//
// Commands are joined by the argument ";" and run one after the other. Anything else is not found.
#pragma once

#include <kj/async-io.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent.capnp.h"
#include "testing/fake_script.h"

namespace boxlite::testing {

struct FakeExit {
  std::optional<int> code;
  std::optional<int> signal;
};

// What the argv would be to execve: found, missing or not executable.
enum class FakeLookup { kFound, kMissing, kNotExecutable };
FakeLookup LookUp(const std::vector<std::string>& argv);

class FakeProgram : public kj::Refcounted {
 public:
  FakeProgram(std::vector<std::string> argv, std::vector<std::string> env, FakeDisk& disk,
              int box_dir_fd, wire::ByteSink::Client out, wire::ByteSink::Client err,
              std::optional<std::pair<int, int>> terminal);

  // Resolves when the program ended and its output was delivered.
  kj::Promise<FakeExit> WhenEnded() { return ended_.addBranch(); }
  bool ended() const { return exit_.has_value(); }
  bool Signal(int number);  // false: it has ended

  void GiveInput(kj::ArrayPtr<const kj::byte> bytes);
  void EndInput();
  // Of its terminal. False: it has none.
  bool Resize(int rows, int columns);

 private:
  kj::Promise<FakeExit> Run();
  kj::Promise<FakeExit> RunFrom(std::size_t begin);
  kj::Promise<FakeExit> RunOne(const std::vector<std::string>& words);
  kj::Promise<FakeExit> Say(wire::ByteSink::Client& sink, const std::string& text);
  kj::Promise<FakeExit> Cat();
  kj::Promise<FakeExit> Spew(std::size_t left);
  kj::Promise<FakeExit> Finish(FakeExit exit);

  std::vector<std::string> argv_;
  std::vector<std::string> env_;
  FakeDisk& disk_;
  int box_dir_fd_;
  wire::ByteSink::Client out_;
  wire::ByteSink::Client err_;
  std::string input_;
  bool input_ended_ = false;
  std::optional<std::pair<int, int>> terminal_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> input_waiter_;
  enum class OnTerm { kDie, kIgnore, kSay } on_term_ = OnTerm::kDie;
  kj::Own<kj::PromiseFulfiller<FakeExit>> killer_;
  kj::Promise<FakeExit> killed_;
  kj::Promise<void> saying_ = nullptr;
  std::optional<FakeExit> exit_;
  kj::ForkedPromise<FakeExit> ended_;
};

}  // namespace boxlite::testing

// FakeProgram: a "program" in the fake machine: a few built-in commands instead of a kernel.
//
//   exit N · echo WORDS · echo-err WORDS · env NAME · cat · sleep-forever · ignore-term · say-term
//   · write KEY VALUE · read KEY · fsync · spew BYTES · crash (the engine kills itself) · poweroff
//   · pattern BYTES (PatternByte of each offset) · count (its input: bytes and hash) · deaf (never
//   takes its input) · leave-child (a child goes on writing to its stdout) · size (of its terminal,
//   now) · big-chunk (beyond the contract) · bogus-signal (an exit no
//   kernel gives)
//
// Commands are joined by the argument ";" and run one after the other. Anything else is not found.
#pragma once

#include <kj/async-io.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
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

// Byte `offset` of what the command pattern writes.
inline char PatternByte(std::uint64_t offset) {
  return static_cast<char>((offset * 2654435761u >> 7) & 0xff);
}
// FNV-1a, of which `count` prints the end.
inline constexpr std::uint64_t kHashBegin = 14695981039346656037u;
inline std::uint64_t HashOn(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return hash;
}

class FakeProgram : public kj::Refcounted {
 public:
  FakeProgram(std::vector<std::string> argv, std::vector<std::string> env, FakeDisk& disk,
              int box_dir_fd, wire::ByteSink::Client out, wire::ByteSink::Client err,
              std::optional<std::pair<int, int>> terminal);

  // Resolves when the program ended and its output was delivered.
  kj::Promise<FakeExit> WhenEnded() { return ended_.addBranch(); }
  bool ended() const { return exit_.has_value(); }
  bool Signal(int number);  // false: it has ended

  // Resolves when it has taken them.
  kj::Promise<void> GiveInput(kj::ArrayPtr<const kj::byte> bytes);
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
  kj::Promise<FakeExit> Pattern(std::size_t at, std::size_t end);
  kj::Promise<FakeExit> Count();
  kj::Promise<void> WriteForEver();
  kj::Promise<FakeExit> Finish(FakeExit exit);

  std::vector<std::string> argv_;
  std::vector<std::string> env_;
  FakeDisk& disk_;
  int box_dir_fd_;
  wire::ByteSink::Client out_;
  wire::ByteSink::Client err_;
  std::string input_;
  bool input_ended_ = false;
  bool deaf_ = false;
  bool counts_ = false;
  std::uint64_t counted_ = 0;
  std::uint64_t hash_ = kHashBegin;
  bool leaves_child_ = false;
  kj::Promise<void> child_ = nullptr;
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

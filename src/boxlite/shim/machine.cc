#include "boxlite/shim/machine.h"

#include <kj/debug.h>
#include <sys/random.h>

#include <charconv>

#include "boxlite/base/wall_clock.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/runtime/budgets.h"

namespace boxlite {
namespace {

// A connection refuses to send what is longer than it would receive, and is of no use afterwards: a
// program that needs more, with room for the rest of its message, is refused before.
constexpr std::uint64_t kProgramWords = kGuestMessageWords - 8 * 1024;

// 256 bits and a margin: what the guest's pool is credited with.
constexpr std::size_t kEntropyBytes = 64;
constexpr std::size_t kChallengeBytes = 32;
// kj's exceptions carry text only; the code travels in front of it.
constexpr std::string_view kCodeMark = "boxlite-code:";

kj::Array<kj::byte> RandomBytes(std::size_t size) {
  auto bytes = kj::heapArray<kj::byte>(size);
  KJ_REQUIRE(::getrandom(bytes.begin(), size, 0) == static_cast<ssize_t>(size));
  return bytes;
}

template <typename Builder>
void FillList(Builder list, const std::vector<std::string>& strings) {
  for (unsigned i = 0; i < strings.size(); ++i) list.set(i, AsBytes(strings[i]));
}

void ThrowIfError(wire::Error::Reader error) {
  Status status = FromWire(error);
  if (!status.ok()) kj::throwFatalException(AsException(status.error()));
}

}  // namespace

kj::Exception AsException(const Error& error) {
  const std::string text = std::string(kCodeMark) +
                           std::to_string(static_cast<std::uint16_t>(error.code())) + ":" +
                           error.message();
  return kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(text.c_str()));
}

Error FromStep(const kj::Exception& exception) {
  const auto description = exception.getDescription();
  std::string_view text(description.begin(), description.size());
  const std::size_t mark = text.find(kCodeMark);
  if (mark == std::string_view::npos) return FromException(exception);
  text.remove_prefix(mark + kCodeMark.size());
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size()) return FromException(exception);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return Error(ErrorCodeFromNumber(number), std::string(text));
}

kj::Promise<void> Machine::Greet() {
  return GuestLink::Open(vm_->agent_port()).then([this](kj::Own<GuestLink>&& link) {
    link_ = kj::mv(link);
  });
}

kj::Promise<void> Machine::Personalise(const ShimBirth& birth) {
  auto& link = KJ_REQUIRE_NONNULL(link_);
  auto request = link->agent().personaliseRequest();
  auto personality = request.initPersonality();
  auto challenge = RandomBytes(kChallengeBytes);
  personality.setEntropy(RandomBytes(kEntropyBytes));
  personality.setWallClockNs(WallClockNowNs());
  personality.setHostname(AsBytes(birth.spec.hostname));
  personality.setBoxId(birth.spec.id.c_str());
  personality.setLifeId(birth.life_id.c_str());
  personality.setChallenge(challenge);
  return request.send().then([challenge = kj::mv(challenge)](auto&& answer) {
    ThrowIfError(answer.getError());
    if (answer.getConfirmation() != challenge.asPtr()) {
      kj::throwFatalException(
          AsException(Error(ErrorCode::kUnavailable, "the guest did not confirm its personality")));
    }
  });
}

kj::Promise<void> Machine::MountRoot() {
  auto request = KJ_REQUIRE_NONNULL(link_)->agent().mountRootRequest();
  request.setGrowToDisk(true);
  return request.send().then([](auto&& answer) { ThrowIfError(answer.getError()); });
}

Machine::Starting Machine::StartProgram(const Program& program, wire::ByteSink::Client stdout_sink,
                                        wire::ByteSink::Client stderr_sink) {
  auto request = KJ_REQUIRE_NONNULL(link_)->agent().startRequest();
  request.setRole(program.role);
  request.setId(program.id.c_str());
  auto spec = request.initSpec();
  FillList(spec.initArgv(static_cast<unsigned>(program.argv.size())), program.argv);
  FillList(spec.initEnv(static_cast<unsigned>(program.env.size())), program.env);
  spec.setWorkingDir(AsBytes(program.working_dir));
  spec.setUser(AsBytes(program.user));
  if (program.terminal) {
    auto terminal = spec.initTerminal();
    terminal.setRows(program.terminal->rows);
    terminal.setColumns(program.terminal->columns);
  }
  if (spec.asReader().totalSize().wordCount > kProgramWords) {
    kj::Exception refusal = AsException(
        Error(ErrorCode::kInvalidArgument, "arguments and environment are too long together"));
    return {wire::Process::Client(kj::cp(refusal)), kj::Promise<void>(kj::cp(refusal))};
  }
  request.setStdout(kj::mv(stdout_sink));
  request.setStderr(kj::mv(stderr_sink));
  auto answer = request.send();
  wire::Process::Client process = answer.getProcess();
  return {kj::mv(process), answer.then([](auto&& started) { ThrowIfError(started.getError()); })};
}

wire::Agent::Client& Machine::agent() { return KJ_REQUIRE_NONNULL(link_)->agent(); }

kj::Promise<bool> Machine::EndsWithin(kj::Duration wait) {
  return vm_->WhenEnded()
      .then([](VmExit&&) { return true; })
      .exclusiveJoin(timer_.afterDelay(wait).then([]() { return false; }));
}

kj::Promise<std::uint64_t> Machine::WrittenSoFar() {
  // An engine that is stuck does not answer its monitor either: that is no progress.
  return vm_->WrittenBytes()
      .catch_([](kj::Exception&&) { return std::uint64_t{0}; })
      .exclusiveJoin(timer_.afterDelay(AsDuration(kFlushProgressStep)).then([]() {
        return std::uint64_t{0};
      }));
}

kj::Promise<void> Machine::WatchProgress(std::uint64_t written_before, kj::TimePoint ceiling) {
  return timer_.afterDelay(AsDuration(kFlushProgressStep))
      .then([this]() { return WrittenSoFar(); })
      .then([this, written_before, ceiling](std::uint64_t written) -> kj::Promise<void> {
        if (written > written_before && timer_.now() < ceiling) {
          return WatchProgress(written, ceiling);
        }
        return kj::READY_NOW;
      });
}

kj::Promise<void> Machine::FlushDeadline() {
  const kj::TimePoint ceiling = timer_.now() + AsDuration(kFlushCeiling);
  const kj::Duration first = AsDuration(kGuestFlushBudget) - AsDuration(kFlushProgressStep);
  return timer_.afterDelay(first)
      .then([this]() { return WrittenSoFar(); })
      .then([this, ceiling](std::uint64_t written) { return WatchProgress(written, ceiling); });
}

kj::Promise<void> Machine::AskShutdown(EndFacts& facts) {
  KJ_IF_MAYBE (link, link_) {
    auto request = (*link)->agent().shutdownRequest();
    request.setGraceMs(0);
    kj::Promise<void> answered = request.send().then([&facts](auto&& answer) {
      ThrowIfError(answer.getError());
      facts.flushed = true;
      if (answer.getForced()) facts.forced = "programs were killed in the guest";
    });
    kj::Promise<void> late = FlushDeadline().then([]() -> kj::Promise<void> {
      return AsException(Error(ErrorCode::kTimeout, "the guest did not flush in time"));
    });
    return answered.exclusiveJoin(kj::mv(late));
  }
  return AsException(Error(ErrorCode::kUnavailable, "there was no agent to ask"));
}

kj::Promise<EndFacts> Machine::End() {
  auto facts = kj::heap<EndFacts>();
  EndFacts& known = *facts;
  const kj::Duration power_off = AsDuration(kShimFlushBudget) - AsDuration(kGuestFlushBudget);
  kj::Promise<bool> ended = AskShutdown(known).then(
      [this, power_off]() { return EndsWithin(power_off); },
      [this, &known](kj::Exception&& exception) {
        known.forced = "the guest was not shut down: " + FromStep(exception).message();
        return EndsWithin(0 * kj::SECONDS);
      });
  kj::Promise<bool> quit = ended.then([this](bool gone) -> kj::Promise<bool> {
    if (gone) return true;
    // The engine flushes its own caches; the guest's were flushed above, or are lost.
    auto asked = vm_->RequestQuit().catch_([](kj::Exception&&) {});
    return asked.exclusiveJoin(timer_.afterDelay(AsDuration(kQuitBudget))).then([this]() {
      return EndsWithin(AsDuration(kQuitBudget));
    });
  });
  kj::Promise<void> killed = quit.then([this, &known](bool gone) -> kj::Promise<void> {
    if (gone) return kj::READY_NOW;
    known.forced += std::string(known.forced.empty() ? "" : "; ") + "the machine was killed";
    vm_->Kill();
    return vm_->WhenEnded().ignoreResult();
  });
  return killed.then([facts = kj::mv(facts)]() mutable { return kj::mv(*facts); });
}

}  // namespace boxlite

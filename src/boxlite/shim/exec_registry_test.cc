#include "boxlite/shim/exec_registry.h"

#include <capnp/message.h>
#include <kj/timer.h>
#include <signal.h>

#include "boxlite/base/testing.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/shim/machine.h"

namespace boxlite {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

// A program in the guest, as the test plays it.
struct Guest {
  std::vector<int> signals;
  bool killed = false;
  bool leader_ended = false;
  bool input_ended = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<int>>> exit;
};

class InputSink final : public wire::ByteSink::Server {
 public:
  explicit InputSink(Guest& guest) : guest_(guest) {}
  kj::Promise<void> write(WriteContext) override { return kj::READY_NOW; }
  kj::Promise<void> end(EndContext) override {
    guest_.input_ended = true;
    return kj::READY_NOW;
  }

 private:
  Guest& guest_;
};

class GuestProcess final : public wire::Process::Server {
 public:
  explicit GuestProcess(Guest& guest) : guest_(guest) {}
  kj::Promise<void> wait(WaitContext context) override {
    auto pair = kj::newPromiseAndFulfiller<int>();
    guest_.exit = kj::mv(pair.fulfiller);
    return pair.promise.then([context](int code) mutable {
      context.getResults().initExit().setCode(static_cast<std::uint8_t>(code));
    });
  }
  kj::Promise<void> signal(SignalContext context) override {
    if (guest_.leader_ended) {
      ToWire(Error(ErrorCode::kWrongState, "ended"), context.getResults().initError());
      return kj::READY_NOW;
    }
    EXPECT_TRUE(context.getParams().getWholeGroup());
    guest_.signals.push_back(context.getParams().getNumber());
    return kj::READY_NOW;
  }
  kj::Promise<void> kill(KillContext) override {
    guest_.killed = true;
    return kj::READY_NOW;
  }
  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(kj::heap<InputSink>(guest_));
    return kj::READY_NOW;
  }

 private:
  Guest& guest_;
};

class NoSink final : public wire::ByteSink::Server {
 public:
  kj::Promise<void> write(WriteContext) override { return kj::READY_NOW; }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }
};

class ExecRegistryTest : public testing::Test {
 public:
  ~ExecRegistryTest() noexcept override = default;  // kj's members may throw; gtest's may not

 protected:
  Exec& Run(Guest& guest, milliseconds timeout = milliseconds(0), bool terminal = false) {
    ExecFacts facts;
    facts.id = registry_.NextId();
    facts.argv = {"x"};
    facts.terminal = terminal;
    kj::Own<Exec> exec = registry_.Prepare(std::move(facts));
    Exec& running = *exec;
    running.Starting(kj::heap<GuestProcess>(guest));
    registry_.Run(kj::mv(exec), timeout);
    Turn();
    return running;
  }
  void End(Guest& guest, int code = 0) {
    KJ_IF_MAYBE (exit, guest.exit) (*exit)->fulfill(kj::mv(code));
    Turn();
  }
  void Turn() {
    for (int i = 0; i < 20; ++i) kj::Promise<void>(kj::evalLast([]() {})).wait(scope_);
  }
  void Pass(kj::Duration time) {
    now_ += time;
    timer_.advanceTo(now_);
    Turn();
  }
  std::vector<std::string> Ids() {
    std::vector<std::string> ids;
    for (const auto& exec : registry_.all()) ids.push_back(exec->facts().id);
    return ids;
  }
  kj::Own<ExecHold> Hold(Exec& exec, bool feeds = false, bool reads = false) {
    ExecHold::Rights rights;
    rights.feeds = feeds;
    ExecHold::Sinks sinks;
    if (reads) sinks.out = wire::ByteSink::Client(kj::heap<NoSink>());
    return kj::heap<ExecHold>(registry_, kj::addRef(exec), rights, kj::mv(sinks));
  }
  void Say(Exec& exec, std::size_t bytes) {
    for (; bytes > 0; bytes -= std::min<std::size_t>(bytes, 1000)) {
      const std::string part(std::min<std::size_t>(bytes, 1000), 'x');
      exec.out().Take(AsBytes(part)).wait(scope_);
    }
  }
  static ExecLimits Limits() {
    ExecLimits limits;
    limits.finished = 3;
    limits.kept_for = 60 * kj::SECONDS;
    limits.kept_bytes = 32 * 1024;
    limits.ring_bytes = 16 * 1024;
    return limits;
  }

  kj::EventLoop loop_;
  kj::WaitScope scope_{loop_};
  kj::TimePoint now_ = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer_{now_};
  ExecRegistry registry_{timer_, Limits()};
};

TEST_F(ExecRegistryTest, KeepsTheLastFinishedOnesAndAllThatRun) {
  Guest guests[6];
  for (Guest& guest : guests) Run(guest);
  for (int i : {1, 2, 3, 4}) End(guests[i], i);
  EXPECT_THAT(Ids(), ElementsAre("exec-1", "exec-3", "exec-4", "exec-5", "exec-6"));
  KJ_IF_MAYBE (exec, registry_.Find("exec-3")) {
    EXPECT_TRUE(exec->ended());
  } else {
    ADD_FAILURE() << "it was to be kept";
  }
  EXPECT_TRUE(registry_.Find("exec-2") == nullptr);
}

TEST_F(ExecRegistryTest, ForgetsAFinishedOneAfterItsTime) {
  Guest early, late;
  Run(early);
  Run(late);
  End(early);
  Pass(30 * kj::SECONDS);
  End(late);
  Pass(29 * kj::SECONDS);
  EXPECT_THAT(Ids(), ElementsAre("exec-1", "exec-2"));
  Pass(1 * kj::SECONDS);
  EXPECT_THAT(Ids(), ElementsAre("exec-2"));
  Pass(30 * kj::SECONDS);
  EXPECT_THAT(Ids(), ElementsAre());
}

TEST_F(ExecRegistryTest, ForgetsNoneThatAClientHolds) {
  Guest guest;
  Exec& exec = Run(guest);
  kj::Own<ExecHold> hold = Hold(exec);
  End(guest);
  Pass(120 * kj::SECONDS);
  EXPECT_THAT(Ids(), ElementsAre("exec-1"));
  hold = nullptr;
  EXPECT_THAT(Ids(), ElementsAre());
}

TEST_F(ExecRegistryTest, ATimeoutAsksTheGroupAndThenKillsAll) {
  Guest guest;
  Exec& exec = Run(guest, milliseconds(1000));
  Pass(999 * kj::MILLISECONDS);
  EXPECT_THAT(guest.signals, ElementsAre());
  Pass(1 * kj::MILLISECONDS);
  EXPECT_THAT(guest.signals, ElementsAre(SIGTERM));
  EXPECT_FALSE(guest.killed);
  Pass(AsDuration(kTimeoutGrace));
  EXPECT_TRUE(guest.killed);
  End(guest, 9);
  capnp::MallocMessageBuilder message;
  auto info = message.initRoot<wire::ExecInfo>();
  exec.Describe(info);
  EXPECT_TRUE(info.getTimedOut());
  EXPECT_EQ(info.getExit().getCode(), 9);
}

TEST_F(ExecRegistryTest, ATimeoutKillsWhatALeaderLeftBehindAtOnce) {
  Guest guest;
  Exec& exec = Run(guest, milliseconds(1000));
  guest.leader_ended = true;  // and a child holds its pipes
  Pass(1 * kj::SECONDS);
  EXPECT_TRUE(guest.killed);
  End(guest, 0);
  capnp::MallocMessageBuilder message;
  auto info = message.initRoot<wire::ExecInfo>();
  exec.Describe(info);
  EXPECT_FALSE(info.getTimedOut()) << "it had ended by itself";
}

TEST_F(ExecRegistryTest, ATimeoutHoldsForSurvivorsOfAnExecThatHasEnded) {
  Guest guest;
  Run(guest, milliseconds(1000));
  End(guest, 0);
  EXPECT_FALSE(guest.killed);
  Pass(1 * kj::SECONDS);
  EXPECT_TRUE(guest.killed);
}

TEST_F(ExecRegistryTest, WithoutATimeoutNobodyIsSignalled) {
  Guest guest;
  Run(guest);
  Pass(24 * kj::HOURS);
  EXPECT_THAT(guest.signals, ElementsAre());
  EXPECT_FALSE(guest.killed);
}

TEST_F(ExecRegistryTest, ADroppedHoldEndsTheInputOfAPipeOnly) {
  Guest pipe, terminal, left, other;
  Hold(Run(pipe), true) = nullptr;
  Hold(Run(terminal, milliseconds(0), true), true) = nullptr;
  Hold(Run(other), false) = nullptr;
  {
    kj::Own<ExecHold> hold = Hold(Run(left), true);
    wire::Execution::Client client = kj::mv(hold);
    client.detachRequest().send().wait(scope_);
  }
  Turn();
  EXPECT_TRUE(pipe.input_ended);
  EXPECT_FALSE(terminal.input_ended);
  EXPECT_FALSE(other.input_ended);
  EXPECT_FALSE(left.input_ended);
}

TEST_F(ExecRegistryTest, HoldsAllRingsTogetherWithinTheirLimit) {
  Guest guests[6];
  std::vector<Exec*> execs;
  for (Guest& guest : guests) {
    execs.push_back(&Run(guest));
    Say(*execs.back(), 16 * 1024);
    EXPECT_LE(registry_.kept_bytes(), Limits().kept_bytes);
  }
  EXPECT_EQ(execs[0]->out().begin(), execs[0]->out().end()) << "the oldest output goes first";
  EXPECT_EQ(execs[5]->out().begin(), 0u);
}

TEST_F(ExecRegistryTest, MakesRoomFromFinishedOnesFirst) {
  Guest first, second, third;
  Exec& runs = Run(first);
  Say(runs, 16 * 1024);
  Exec& done = Run(second);
  Say(done, 16 * 1024);
  End(second);
  Say(Run(third), 8 * 1024);
  EXPECT_EQ(runs.out().begin(), 0u);
  EXPECT_EQ(done.out().begin(), done.out().end());
}

TEST_F(ExecRegistryTest, TellsTheLossOfTheGuestAsUnavailable) {
  Guest guest;
  Exec& exec = Run(guest);
  wire::Execution::Client hold = Hold(exec);
  auto waiting = hold.waitRequest().send();
  KJ_IF_MAYBE (exit, guest.exit) (*exit)->reject(KJ_EXCEPTION(DISCONNECTED, "gone"));
  auto answer = waiting.wait(scope_);
  EXPECT_EQ(answer.getError().getCode(), static_cast<std::uint16_t>(ErrorCode::kUnavailable));
}

TEST_F(ExecRegistryTest, AnswersWaitAsOftenAsAsked) {
  Guest guest;
  Exec& exec = Run(guest);
  wire::Execution::Client hold = Hold(exec, false, true);
  auto early = hold.waitRequest().send();
  Say(exec, 5);
  End(guest, 7);
  EXPECT_EQ(early.wait(scope_).getExit().getCode(), 7);
  for (int i = 0; i < 3; ++i) {
    auto answer = hold.waitRequest().send().wait(scope_);
    EXPECT_EQ(answer.getExit().getCode(), 7);
    EXPECT_EQ(answer.getStdoutEnd(), 5u);
  }
}

}  // namespace
}  // namespace boxlite

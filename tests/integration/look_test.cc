// Terminals, top and stats of a real machine. The programs are started through the shim's own
// interface: what a terminal is must be right before any client speaks for it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <kj/async-io.h>
#include <signal.h>

#include "boxlite/runtime/shim_client.h"
#include "integration/cli_runner.h"
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

using ::testing::HasSubstr;

// What came, and somebody who waits for more.
struct Ear {
  std::string text;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> waiting;
};

class Heard final : public wire::ByteSink::Server {
 public:
  explicit Heard(Ear& ear) : ear_(ear) {}
  kj::Promise<void> write(WriteContext context) override {
    ear_.text += AsText(context.getParams().getBytes());
    KJ_IF_MAYBE (waiting, ear_.waiting) {
      (*waiting)->fulfill();
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }

 private:
  Ear& ear_;
};

class Look : public CliTest {
 protected:
  ~Look() noexcept override {}  // kj's members have destructors that may throw
  void SetUp() override {
    CliTest::SetUp();
    id_ = Ok({"run", "-d", "--name", "a", "boxlite/base", "sleep", "1000"});
    Connect();
  }
  void Connect() {
    box_ = Fd(::open(BoxDir(id_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto client = ShimClient::Connect(io_, box_.get(), *BoxId::Parse(id_), std::nullopt,
                                      std::chrono::seconds(60));
    ASSERT_TRUE(client.ok()) << client.error().message();
    client_ = std::move(*client);
  }
  void TearDown() override {
    client_.reset();
    CliTest::TearDown();
  }

  wire::Execution::Client Start(const std::vector<std::string>& argv, std::uint16_t rows = 0,
                                std::uint16_t columns = 0, const std::string& user = "") {
    ear_.text.clear();
    auto request = client_->shim().execRequest();
    auto spec = request.initSpec();
    auto words = spec.initArgv(static_cast<unsigned>(argv.size()));
    for (unsigned i = 0; i < argv.size(); ++i) words.set(i, AsBytes(argv[i]));
    spec.setStdin(true);
    spec.setUser(AsBytes(user));
    auto terminal = spec.initTerminal();
    terminal.setRows(rows);
    terminal.setColumns(columns);
    request.setStdout(kj::heap<Heard>(ear_));
    request.setStderr(kj::heap<Heard>(errors_));
    auto answer = request.send().wait(io_.waitScope);
    EXPECT_EQ(answer.getError().getCode(), 0) << answer.getError().getMessage().cStr();
    return answer.getExecution();
  }
  int Finish(wire::Execution::Client& execution) {
    auto answer = execution.waitRequest().send().wait(io_.waitScope);
    return answer.getExit().isSignal() ? 128 + answer.getExit().getSignal()
                                       : answer.getExit().getCode();
  }
  std::string Say(const std::string& script, const std::string& user = "") {
    auto execution = Start({"sh", "-c", script}, 0, 0, user);
    EXPECT_EQ(Finish(execution), 0);
    return ear_.text;
  }
  void Type(wire::ByteSink::Client& input, const std::string& text) {
    auto request = input.writeRequest();
    request.setBytes(AsBytes(text));
    request.send().wait(io_.waitScope);
  }
  void AwaitHeard(const std::string& text) {
    while (ear_.text.find(text) == std::string::npos) {
      auto paf = kj::newPromiseAndFulfiller<void>();
      ear_.waiting = kj::mv(paf.fulfiller);
      paf.promise.wait(io_.waitScope);
    }
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  Fd box_;
  std::string id_;
  std::unique_ptr<ShimClient> client_;
  Ear ear_;
  Ear errors_;
};

TEST_F(Look, ATerminalIsOneOfTheBoxsOwn) {
  EXPECT_EQ(Say("tty; test -t 0 -a -t 1 -a -t 2 && echo all"), "/dev/pts/0\r\nall\r\n");
  EXPECT_EQ(Say("readlink /proc/self/fd/0; readlink /proc/self/fd/2; echo to-tty > /dev/tty"),
            "/dev/pts/0\r\n/dev/pts/0\r\nto-tty\r\n");
  EXPECT_EQ(Say("ls /proc/self/fd | cat"), "0\r\n1\r\n2\r\n3\r\n");
  EXPECT_EQ(Say("stty size; echo $TERM"), "24 80\r\nxterm\r\n");
  EXPECT_THAT(Say("ls -ln /dev/pts/0; echo again > /dev/pts/0", "box"),
              HasSubstr("crw--w----    1 1000     5 "));
  EXPECT_EQ(errors_.text, "");
}

TEST_F(Look, ATerminalLeadsASessionThatControlCEnds) {
  auto execution = Start({"sh", "-c", "stty size; echo ready; exec cat"}, 50, 132);
  auto input = execution.stdinRequest().send().getSink();
  // With the end of the line: the terminal may echo in the middle of it.
  AwaitHeard("50 132\r\nready\r\n");
  Type(input, "hello\n");
  AwaitHeard("hello\r\nhello\r\n");
  Type(input, "\3");
  EXPECT_EQ(Finish(execution), 128 + 2);
}

TEST_F(Look, ProgramsAreToldOfANewSize) {
  auto execution = Start(
      {"sh", "-c", "trap 'stty size; exit 7' WINCH; echo ready; while :; do sleep 0.1; done"});
  AwaitHeard("ready");
  auto request = execution.resizeRequest();
  request.initSize().setRows(33);
  request.getSize().setColumns(99);
  const auto answer = request.send().wait(io_.waitScope);
  if (answer.getError().getCode() == 0) {
    EXPECT_EQ(Finish(execution), 7);
    EXPECT_THAT(ear_.text, HasSubstr("33 99"));
  } else {
    FAIL() << answer.getError().getMessage().cStr();
  }
}

TEST_F(Look, TheEndOfInputEndsAReaderInTheMiddleOfALineAndAllItSaysArrives) {
  auto execution = Start({"sh", "-c", "cat; seq 1 20000; exit 5"});
  auto input = execution.stdinRequest().send().getSink();
  Type(input, "whole\npart");
  input.endRequest().send().wait(io_.waitScope);
  EXPECT_EQ(Finish(execution), 5);
  EXPECT_THAT(ear_.text, HasSubstr("part"));
  EXPECT_THAT(ear_.text, HasSubstr("\r\n19999\r\n20000\r\n"));
}

TEST_F(Look, ABackgroundChildDoesNotHoldTheEndBackNorCostOutput) {
  const auto begin = std::chrono::steady_clock::now();
  auto execution = Start({"sh", "-c", "trap '' HUP; sleep 1000 & seq 1 5000"});
  EXPECT_EQ(Finish(execution), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_THAT(ear_.text, HasSubstr("\r\n5000\r\n"));
}

TEST_F(Look, TopShowsEachProcessWithItsUserAndExec) {
  auto execution = Start({"sh", "-c", "echo ready; exec sleep 999"}, 0, 0, "box");
  AwaitHeard("ready");
  const Json processes = Json::parse(Ok({"top", "--format", "json", "a"}));
  ASSERT_EQ(processes.size(), 2u) << processes;
  EXPECT_EQ(processes[0]["pid"], 1);
  EXPECT_EQ(processes[0]["command"], "sleep 1000");
  EXPECT_EQ(processes[0]["exec"], "main");
  EXPECT_EQ(processes[0]["user"], "root");
  EXPECT_EQ(processes[1]["command"], "sleep 999");
  EXPECT_EQ(processes[1]["user"], "box");
  EXPECT_EQ(processes[1]["ppid"], 0);
  EXPECT_NE(processes[1]["exec"], "main");
  EXPECT_GT(processes[1]["rss_bytes"], 0);
  EXPECT_THAT(Ok({"top", "a"}), HasSubstr("sleep 999"));
}

TEST_F(Look, NamesThatLieAndTooManyProcessesAreShownAsTheyAre) {
  auto execution =
      Start({"sh", "-c",
             "n=0; while [ $n -lt 1010 ]; do sleep 5000 & n=$((n+1)); done; echo ready; "
             "exec -a \"$(printf 'a) R (b\\nNSpid:\\t9\\033[2J/sleep')\" sleep 4000"});
  AwaitHeard("ready");
  std::string table;
  while (table.find("NSpid") == std::string::npos) {
    table = Ok({"top", "a"});  // polled: it is the program's own affair when it calls exec
  }
  const CliResult top = Run({"top", "--format", "json", "a"});
  ASSERT_EQ(top.code, 0) << top.err;
  EXPECT_THAT(top.err, HasSubstr("these are 1000 of 101"));
  const Json processes = Json::parse(top.out);
  ASSERT_EQ(processes.size(), 1000u);
  EXPECT_EQ(processes[0]["exec"], "main");
  EXPECT_EQ(processes[1]["command"], "a) R (b\nNSpid:\t9\x1b[2J/sleep 4000");
  EXPECT_EQ(processes[1]["pid"], 2);
  EXPECT_THAT(table, HasSubstr("a) R (b?NSpid:?9?[2J/sleep 4000"));
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_EQ(Ok({"exec", "a", "echo", "alive"}), "alive");
}

// A double fork in a session of its own leaves the process group, and not the control group.
TEST_F(Look, WhatLeavesAnExecsSessionStaysInItsControlGroup) {
  auto execution = Start({"sh", "-c", "(setsid sleep 7777 &) ; echo ready; exec sleep 6666"});
  AwaitHeard("ready");
  while (Ok({"top", "a"}).find("sleep 7777") == std::string::npos) {
    // Polled: it is the program's own affair when it calls exec.
  }
  auto kill = execution.signalRequest();
  kill.setNumber(SIGTERM);
  kill.send().wait(io_.waitScope);
  EXPECT_EQ(Finish(execution), 128 + SIGTERM);
  const Json left = Json::parse(Ok({"top", "--format", "json", "a"}));
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[1]["command"], "sleep 7777");
  EXPECT_NE(left[1]["exec"], "main");  // in the exec's group still: what Process.kill ends
}

TEST_F(Look, StatsCountABusyBoxAndNameAStoppedOne) {
  auto execution = Start({"sh", "-c", "echo ready; while :; do :; done"});
  AwaitHeard("ready");
  const Json stats = Json::parse(Ok({"stats", "--format", "json"}));
  ASSERT_EQ(stats.size(), 1u);
  EXPECT_GT(stats[0]["cpu_percent"], 5.0) << stats;
  EXPECT_GT(stats[0]["memory_bytes"], 100'000);
  EXPECT_GT(stats[0]["memory_limit_bytes"], stats[0]["memory_bytes"]);
  EXPECT_GE(stats[0]["pids"], 2);
  EXPECT_GT(stats[0]["disk_size_bytes"], stats[0]["disk_used_bytes"]);
  EXPECT_GT(stats[0]["read_bytes"], 0);
  EXPECT_GT(stats[0]["vm"]["rss_bytes"], 10'000'000);
  EXPECT_GT(stats[0]["vm"]["cpu_percent"], 1.0);
  EXPECT_GT(stats[0]["shim"]["pss_bytes"], 0);
  client_.reset();
  Ok({"stop", "-t", "0", "a"});
  EXPECT_EQ(Json::parse(Ok({"stats", "--format", "json", "a"}))[0]["state"], "stopped");
  EXPECT_THAT(Ok({"stats", "a"}), HasSubstr("stopped   --"));
}

}  // namespace
}  // namespace boxlite::testing

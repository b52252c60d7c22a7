// Execs that are kept: found again after any death of a client, with every byte and the exit.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <random>

#include "boxlite/base/files.h"
#include "testing/fake_program.h"
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

// A sanitizer keeps what was freed for long: a process's memory then tells nothing.
constexpr bool kMemoryTells = BOXLITE_SLOW_BUILD == 0;

std::string Pattern(std::uint64_t begin, std::uint64_t end) {
  std::string text;
  text.reserve(end - begin);
  for (std::uint64_t at = begin; at < end; ++at) text.push_back(PatternByte(at));
  return text;
}

std::uint64_t HashOfPattern(std::uint64_t end) {
  std::uint64_t hash = kHashBegin;
  for (std::uint64_t at = 0; at < end; ++at) {
    const char byte = PatternByte(at);
    hash = HashOn(hash, {&byte, 1});
  }
  return hash;
}

// As when a supervisor closes a connection, or a proxy between does.
bool ShutDownSocketsOf(const ToolProcess& process) {
  bool any = false;
  for (int fd = 3; fd < 64; ++fd) {
    char target[64] = {};
    const std::string path = "/proc/" + std::to_string(process.pid()) + "/fd/" + std::to_string(fd);
    if (::readlink(path.c_str(), target, sizeof target - 1) <= 0) continue;
    if (!std::string_view(target).starts_with("socket:")) continue;
    const Fd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, process.pidfd(), fd, 0)));
    any |= copy.valid() && ::shutdown(copy.get(), SHUT_RDWR) == 0;
  }
  return any;
}

class KeptExec : public ::testing::Test {
 protected:
  void SetUp() override { id_ = home_.Start(); }
  void TearDown() override { EXPECT_TRUE(IsOk(home_.Run({"stop", id_, "5000"}))); }

  std::string Detached(std::vector<std::string> argv, Json wish = Json::object()) {
    wish["detach"] = true;
    std::vector<std::string> words = {"exec-with", id_, wish.dump()};
    words.insert(words.end(), argv.begin(), argv.end());
    const Answer answer = home_.Run(words);
    EXPECT_TRUE(IsOk(answer));
    return answer.json.value("exec", "");
  }
  Answer Attach(const std::string& exec, const Json& wish = Json::object()) {
    return home_.Run({"exec-attach", id_, exec, wish.dump()});
  }
  Answer Wait(const std::string& exec) { return home_.Run({"exec-wait", id_, exec}); }
  Json Find(const std::string& exec) {
    const Answer answer = home_.Run({"execs", id_});
    EXPECT_TRUE(IsOk(answer));
    for (const Json& one : answer.json["execs"]) {
      if (one["id"] == exec) return one;
    }
    return nullptr;
  }
  // In KiB.
  long Resident(const ProcessRef& process) {
    const std::string status = ReadWhole("/proc/" + std::to_string(process.pid) + "/status");
    const std::size_t at = status.find("VmRSS:");
    return at == std::string::npos ? -1 : std::stol(status.substr(at + 6));
  }
  int Descriptors(const ProcessRef& process) {
    int count = 0;
    for (int fd = 0; fd < 4096; ++fd) {
      char target[64];
      const std::string path = "/proc/" + std::to_string(process.pid) + "/fd/" + std::to_string(fd);
      if (::readlink(path.c_str(), target, sizeof target) > 0) ++count;
    }
    return count;
  }

  TestHome home_;
  std::string id_;
};

TEST_F(KeptExec, DetachedOutlivesItsClientAndIsFound) {
  const std::string exec = Detached({"echo", "hello", ";", "echo-err", "oops", ";", "exit", "7"});
  EXPECT_EQ(exec, "exec-1");
  const Answer first = Wait(exec);
  ASSERT_TRUE(IsOk(first));
  EXPECT_EQ(first.shell(), 7);
  EXPECT_EQ(Wait(exec).shell(), 7) << "as often as asked, by any process";
  const Answer output = Attach(exec);
  EXPECT_EQ(output.output, "hello\n");
  EXPECT_EQ(output.shell(), 7);
  EXPECT_EQ(output.json["stdout_end"], 6);
  EXPECT_EQ(output.json["stderr_end"], 5);
  EXPECT_EQ(Attach(exec).output, "hello\n") << "it is kept for the next one too";
  const Json found = Find(exec);
  EXPECT_FALSE(found["running"].get<bool>());
  EXPECT_EQ(found["exit"]["shell"], 7);
  EXPECT_EQ(found["argv"].size(), 8u);
}

TEST_F(KeptExec, ThatCannotBeExecutedIsTypedAndNotListed) {
  EXPECT_TRUE(
      HasCode(home_.Run({"exec-with", id_, R"({"detach":true})", "missing"}), "command_not_found"));
  EXPECT_TRUE(HasCode(home_.Run({"exec-with", id_, R"({"detach":true})", "not-executable"}),
                      "command_not_executable"));
  EXPECT_TRUE(home_.Run({"execs", id_}).json["execs"].empty());
}

TEST_F(KeptExec, ThatIsTooLongIsRefusedAloneAndTheNextOneRuns) {
  std::vector<std::string> long_one = {"exec-with", id_, R"({"detach":true})", "echo"};
  long_one.resize(14, std::string(120'000, 'a'));
  EXPECT_TRUE(HasCode(home_.Run(long_one), "invalid_argument"));
  EXPECT_TRUE(home_.Run({"execs", id_}).json["execs"].empty());
  EXPECT_EQ(Wait(Detached({"exit", "7"})).shell(), 7);
}

TEST_F(KeptExec, ThatIsUnknownIsNotFound) {
  EXPECT_TRUE(HasCode(Attach("exec-99"), "not_found"));
  EXPECT_TRUE(HasCode(Wait("exec-99"), "not_found"));
  EXPECT_TRUE(HasCode(home_.Run({"exec-kill", id_, "exec-99", "15"}), "not_found"));
}

TEST_F(KeptExec, IsSignalledByItsId) {
  const std::string exec = Detached({"sleep-forever"});
  EXPECT_TRUE(IsOk(home_.Run({"exec-kill", id_, exec, "10"})));
  EXPECT_EQ(Wait(exec).shell(), 128 + SIGUSR1);
  EXPECT_TRUE(HasCode(home_.Run({"exec-kill", id_, exec, "10"}), "wrong_state"));
}

TEST_F(KeptExec, HasOneReaderAtATimeAndTellsTheNext) {
  const std::string exec = Detached({"echo", "x", ";", "sleep-forever"});
  ToolProcess reader = home_.Begin({"exec-attach", id_, exec, R"({"say":true})"});
  EXPECT_EQ(reader.ReadLine(milliseconds(10'000)), "attached");
  EXPECT_EQ(reader.ReadLine(milliseconds(10'000)), "x");
  EXPECT_TRUE(Find(exec)["attached"].get<bool>());
  EXPECT_TRUE(HasCode(Attach(exec), "conflict"));
  reader.KillAndReap();
  EXPECT_TRUE(IsOk(home_.Run({"exec-kill", id_, exec, "9"})));
  const Answer next = Attach(exec);
  EXPECT_EQ(next.output, "x\n");
  EXPECT_EQ(next.shell(), 128 + SIGKILL);
}

TEST_F(KeptExec, GoesOnAtAnOffsetAndRefusesOneBehindTheEnd) {
  const std::string exec = Detached({"pattern", "5000"});
  ASSERT_TRUE(IsOk(Wait(exec)));
  const Answer tail = Attach(exec, {{"from", 4990}});
  EXPECT_EQ(tail.output, Pattern(4990, 5000));
  EXPECT_EQ(tail.json["begin"], 4990);
  EXPECT_TRUE(HasCode(Attach(exec, {{"from", 5001}}), "invalid_argument"));
}

TEST_F(KeptExec, WithoutAReaderNeverBlocksAndTellsWhatIsGone) {
  constexpr std::uint64_t kWritten = 3'000'000;
  const std::string exec = Detached({"pattern", std::to_string(kWritten)});
  ASSERT_TRUE(IsOk(Wait(exec)));
  const Answer rest = Attach(exec);
  ASSERT_TRUE(IsOk(rest));
  const std::uint64_t begin = rest.json["begin"];
  EXPECT_EQ(begin, kWritten - (1 << 20)) << "a ring of 1 MiB";
  EXPECT_EQ(rest.json["stdout_end"], kWritten);
  EXPECT_EQ(rest.output, Pattern(begin, kWritten));
}

TEST_F(KeptExec, EndsAtItsTimeoutAndSaysSo) {
  const Answer answer = home_.Run({"exec-with", id_, R"({"timeout":200})", "sleep-forever"});
  ASSERT_TRUE(IsOk(answer));
  EXPECT_TRUE(answer.json["timed_out"].get<bool>());
  EXPECT_EQ(answer.shell(), 128 + SIGTERM);
  EXPECT_GE(answer.took, milliseconds(200));
  EXPECT_LT(answer.took, milliseconds(2000));
}

TEST_F(KeptExec, IsKilledTwoSecondsAfterATimeoutThatItIgnores) {
  const std::string exec = Detached({"ignore-term"}, {{"timeout", 200}});
  const Answer answer = Wait(exec);
  ASSERT_TRUE(IsOk(answer));
  EXPECT_TRUE(answer.json["timed_out"].get<bool>());
  EXPECT_EQ(answer.shell(), 128 + SIGKILL);
  EXPECT_LT(answer.took, milliseconds(6000));
}

TEST_F(KeptExec, OutputOfAChildBehindTheExitHoldsNobodyUp) {
  // The child writes as fast as it is answered, until it is refused.
  const Answer answer = home_.Run({"exec", id_, "echo", "mine", ";", "leave-child"});
  ASSERT_TRUE(IsOk(answer));
  EXPECT_TRUE(answer.output.starts_with("mine\n"));
  EXPECT_EQ(answer.json["stdout_end"], answer.output.size());
  EXPECT_TRUE(Attach(answer.json["exec"]).output == answer.output) << "nothing was added behind";
}

// Its output may be there before its client knows which exec it is.
TEST_F(KeptExec, OfAReaderThatLeftGetsSigpipe) {
  Result<FdPair> pipe = MakePipe();
  ASSERT_TRUE(pipe.ok());
  pipe->first.Reset();
  ToolProcess client =
      home_.Begin({"exec-with", id_, R"({"out":"inherited"})", "echo", "x", ";", "sleep-forever"},
                  pipe->second.get());
  const Answer end = client.Finish(milliseconds(10'000));
  ASSERT_TRUE(IsOk(end));
  EXPECT_EQ(end.shell(), 128 + SIGPIPE);
}

TEST_F(KeptExec, InputOfAKilledClientEnds) {
  ToolProcess client = home_.Begin({"exec-with", id_, R"({"input":true,"say":true})", "cat"});
  const std::optional<std::string> exec = client.ReadLine(milliseconds(10'000));
  ASSERT_TRUE(exec);
  client.Send("hello\n");
  EXPECT_EQ(client.ReadLine(milliseconds(10'000)), "hello");
  client.KillAndReap();
  const Answer end = Wait(*exec);
  ASSERT_TRUE(IsOk(end));
  EXPECT_EQ(end.shell(), 0);
  EXPECT_EQ(Attach(*exec).output, "hello\n");
}

TEST_F(KeptExec, InputStaysOpenForTheNextWhenItsClientDetaches) {
  ToolProcess client =
      home_.Begin({"exec-with", id_, R"({"input":true,"say":true,"keys":"qq"})", "cat"});
  const std::optional<std::string> exec = client.ReadLine(milliseconds(10'000));
  ASSERT_TRUE(exec);
  client.Send("one\nqq");
  const Answer left = client.Finish();
  ASSERT_TRUE(IsOk(left));
  EXPECT_TRUE(left.json["detached"].get<bool>());
  EXPECT_TRUE(Find(*exec)["running"].get<bool>());
  ToolProcess next = home_.Begin({"exec-attach", id_, *exec, R"({"input":true})"});
  EXPECT_EQ(next.ReadLine(milliseconds(10'000)), "one");
  next.Send("two\n");
  EXPECT_EQ(next.ReadLine(milliseconds(10'000)), "two");
  next.EndInput();
  EXPECT_TRUE(IsOk(next.Finish()));
}

TEST_F(KeptExec, DetachedKeepsItsInputForWhoAttaches) {
  const std::string exec = Detached({"cat"}, {{"input", true}});
  ToolProcess client = home_.Begin({"exec-attach", id_, exec, R"({"input":true})"});
  client.Send("later\n");
  EXPECT_EQ(client.ReadLine(milliseconds(10'000)), "later");
  client.EndInput();
  EXPECT_TRUE(IsOk(client.Finish()));
  EXPECT_EQ(Wait(Detached({"cat"})).shell(), 0) << "without, it reads end-of-file";
}

TEST_F(KeptExec, ManyBytesOfInputForAProgramThatIsSilentArrive) {
  constexpr std::uint64_t kBytes = 700'000;
  ToolProcess client = home_.Begin({"exec-in", id_, "count"});
  client.Send(Pattern(0, kBytes));
  client.EndInput();
  const Answer answer = client.Finish();
  ASSERT_TRUE(IsOk(answer));
  EXPECT_EQ(answer.output,
            std::to_string(kBytes) + " " + std::to_string(HashOfPattern(kBytes)) + "\n");
}

TEST_F(KeptExec, ASlowReaderGetsEveryByteAndCostsTheSupervisorNoMore) {
  constexpr std::uint64_t kBytes = 40'000'000;
  Result<FdPair> pipe = MakePipe();
  ASSERT_TRUE(pipe.ok());
  const ProcessRef shim = home_.Shim(id_);
  const long before = Resident(shim);
  ToolProcess client =
      home_.Begin({"exec-with", id_, R"({"out":"inherited"})", "pattern", std::to_string(kBytes)},
                  pipe->second.get());
  pipe->second.Reset();
  std::uint64_t at = 0;
  long most = 0;
  std::string buffer(1 << 16, '\0');
  for (int reads = 0;; ++reads) {
    const ssize_t count = ::read(pipe->first.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    const std::string_view got(buffer.data(), static_cast<std::size_t>(count));
    ASSERT_EQ(got, Pattern(at, at + got.size())) << "at " << at;
    at += got.size();
    // Slow: a look at the supervisor takes longer than a write.
    if (reads % 16 == 0) most = std::max(most, Resident(shim));
  }
  EXPECT_EQ(at, kBytes);
  EXPECT_TRUE(IsOk(client.Finish()));
  if (kMemoryTells) {
    EXPECT_LT(most - before, 8 * 1024) << "KiB";
  }
}

// A client is killed at random moments and another goes on where its file ends.
TEST_F(KeptExec, ResumedAfterAnyDeathOfItsClientLosesAndDoublesNothing) {
  std::mt19937 random(::testing::UnitTest::GetInstance()->random_seed());
  // As much as is kept while nobody reads.
  constexpr std::uint64_t kBytes = 1'000'000;
  for (int round = 0; round < 10; ++round) {
    Result<FdPair> pipe = MakePipe();
    ASSERT_TRUE(pipe.ok());
    std::string got;
    const auto take = [&](std::size_t enough) {
      std::string buffer(1 << 15, '\0');
      while (got.size() < enough) {
        const ssize_t count = ::read(pipe->first.get(), buffer.data(), buffer.size());
        if (count <= 0) return;
        got.append(buffer, 0, static_cast<std::size_t>(count));
      }
    };
    std::string exec;
    {
      ToolProcess client =
          home_.Begin({"exec-with", id_, R"({"out":"inherited","say":true})", "pattern",
                       std::to_string(kBytes), ";", "exit", std::to_string(round)},
                      pipe->second.get());
      exec = client.ReadLine(milliseconds(10'000)).value_or("");
      take(random() % kBytes);
      client.KillAndReap();
    }
    for (int cut = 0; cut < 3; ++cut) {
      // What the dead client had written is in the pipe.
      ::fcntl(pipe->first.get(), F_SETFL, O_NONBLOCK);
      take(~std::size_t{0});
      ::fcntl(pipe->first.get(), F_SETFL, 0);
      ToolProcess client = home_.Begin(
          {"exec-attach", id_, exec, Json({{"out", "inherited"}, {"from", got.size()}}).dump()},
          pipe->second.get());
      if (cut < 2 && got.size() < kBytes) {
        take(got.size() + random() % (kBytes - got.size()));
        client.KillAndReap();
        continue;
      }
      const std::uint64_t from = got.size();
      take(kBytes);
      const Answer end = client.Finish();
      ASSERT_TRUE(IsOk(end));
      ASSERT_EQ(end.json["begin"], from) << "no gap";
      ASSERT_EQ(end.shell(), round);
      break;
    }
    ASSERT_EQ(got.size(), kBytes);
    ASSERT_TRUE(got == Pattern(0, kBytes)) << "round " << round;
    ASSERT_EQ(Wait(exec).shell(), round);
  }
}

TEST_F(KeptExec, ThatIsCutOffWhileTheBoxLivesSaysSoAndLivesOn) {
  ToolProcess client = home_.Begin({"exec-with", id_, R"({"say":true})", "sleep-forever"});
  const std::optional<std::string> exec = client.ReadLine(milliseconds(10'000));
  ASSERT_TRUE(exec);
  const ProcessRef shim = home_.Shim(id_);
  ASSERT_TRUE(shim.alive());
  // The connection is broken from outside: the client's socket is shut down under it.
  ASSERT_TRUE(ShutDownSocketsOf(client));
  const Answer answer = client.Finish(milliseconds(10'000));
  EXPECT_TRUE(HasCode(answer, "unavailable"));
  EXPECT_NE(answer.message.find(*exec + " goes on"), std::string::npos) << answer.message;
  EXPECT_TRUE(Find(*exec)["running"].get<bool>());
  EXPECT_TRUE(IsOk(home_.Run({"exec-kill", id_, *exec, "9"})));
}

TEST_F(KeptExec, OfABoxThatDoesNotRunIsAWrongState) {
  const std::string exec = Detached({"echo", "x"});
  ASSERT_TRUE(IsOk(home_.Run({"stop", id_, "5000"})));
  EXPECT_TRUE(HasCode(home_.Run({"execs", id_}), "wrong_state"));
  EXPECT_TRUE(HasCode(Attach(exec), "wrong_state"));
  EXPECT_TRUE(HasCode(Wait(exec), "wrong_state"));
}

TEST_F(KeptExec, WaitFailsTypedWhenTheBoxGoesAway) {
  const std::string exec = Detached({"sleep-forever"});
  ToolProcess wait = home_.Begin({"exec-wait", id_, exec});
  ASSERT_TRUE(home_.AwaitEngine(id_, "exec"));
  const ProcessRef engine = home_.Engine(id_);
  ASSERT_TRUE(home_.Shim(id_).Signal(SIGKILL));
  ASSERT_TRUE(engine.AwaitEnd());
  const Answer answer = wait.Finish(milliseconds(10'000));
  // It may not have asked yet: then the box is found failed.
  EXPECT_TRUE(!answer.ok && (answer.code == "unavailable" || answer.code == "wrong_state"))
      << answer.text();
  ASSERT_TRUE(IsOk(home_.Run({"start", id_})));
}

TEST_F(KeptExec, ManyInOneLifeLeaveNothingBehindInTheSupervisor) {
  const ProcessRef shim = home_.Shim(id_);
  for (int i = 0; i < 80; ++i)
    ASSERT_EQ(home_.Run({"exec", id_, "pattern", "5000"}).output.size(), 5000u);
  const long memory = Resident(shim);
  const int descriptors = Descriptors(shim);
  for (int i = 0; i < 150; ++i)
    ASSERT_EQ(home_.Run({"exec", id_, "pattern", "5000"}).output.size(), 5000u);
  EXPECT_EQ(Descriptors(shim), descriptors);
  if (kMemoryTells) {
    EXPECT_LT(Resident(shim) - memory, 1024) << "KiB";
  }
  EXPECT_EQ(home_.Run({"execs", id_}).json["execs"].size(), 64u);
}

}  // namespace
}  // namespace boxlite::testing

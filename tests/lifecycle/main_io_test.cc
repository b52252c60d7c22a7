// Main's input and output between the box and those who stay with it: foreground run, start -a,
// attach.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/base/files.h"
#include "boxlite/runtime/main_log.h"
#include "boxlite/shim/log_gate.h"
#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

constexpr milliseconds kPatience{20'000};
constexpr std::size_t kFlood = 40'000'000;  // more than what rotation keeps

std::uint64_t LogBytes(const TestHome& home, const std::string& id) {
  std::uint64_t sum = 0;
  for (const char* name : {"/main.log", "/main.log.1"}) {
    struct stat info = {};
    if (::stat((home.box(id) + name).c_str(), &info) == 0) {
      sum += static_cast<std::uint64_t>(info.st_size);
    }
  }
  return sum;
}

// A file's growth to a size is no event.
bool AwaitLog(const TestHome& home, const std::string& id, std::uint64_t bytes) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (LogBytes(home, id) < bytes) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(20'000);
  }
  return true;
}

// Main has been stopped by its reader: its engine gets no answer, and does not go on. What the
// channel holds comes on top of the window.
void ExpectMainWaits(const TestHome& home, const std::string& id) {
  ASSERT_TRUE(AwaitLog(home, id, kReaderWindow));
  ::usleep(500'000);  // time to go wrong in: there is no event for "nothing comes"
  EXPECT_LT(LogBytes(home, id), kReaderWindow + 2'000'000) << "main ran ahead of its reader";
}

ToolProcess Attached(TestHome& home, const std::string& id, Json wish = Json::object(),
                     int inherited_fd = -1) {
  wish["say"] = true;
  ToolProcess tool = home.Begin({"attach", id, wish.dump()}, inherited_fd);
  EXPECT_EQ(tool.ReadLine(kPatience).value_or("nothing"), "attached");
  return tool;
}

TEST(MainInput, EndsAtOnceForARunThatPassesNone) {
  TestHome home;
  const std::string id = home.Create({"cat", ";", "exit", "4"});
  EXPECT_EQ(home.Run({"foreground", id}).shell(), 4);
}

TEST(MainInput, EndsWithTheClientsOwn) {
  TestHome home;
  const std::string id = home.Create({"cat"}, {{"interactive", true}});
  ToolProcess run = home.Begin({"foreground", id, R"({"input": true})"});
  run.Send("hello\n");
  run.EndInput();
  const Answer answer = run.Finish();
  EXPECT_TRUE(IsOk(answer));
  EXPECT_EQ(answer.output, "hello\n");
  EXPECT_EQ(answer.shell(), 0);
}

TEST(MainInput, StaysOpenInADetachedBoxUntilAClientEndsIt) {
  TestHome home;
  const std::string id = home.Start({"cat"});
  ToolProcess attach = Attached(home, id, {{"input", true}});
  attach.Send("hello\n");
  EXPECT_EQ(attach.ReadLine(kPatience), "hello");
  attach.EndInput();
  EXPECT_EQ(attach.Finish().shell(), 0);
}

TEST(MainInput, OfADetachedInteractiveBoxOutlivesOneClientAfterTheOther) {
  TestHome home;
  const std::string id = home.Start({"cat"}, {{"interactive", true}});
  ToolProcess first = Attached(home, id, {{"input", true}});
  first.Send("one\n");
  EXPECT_EQ(first.ReadLine(kPatience), "one");
  first.EndInput();
  // Its input's end comes before what it shows from here on.
  ToolProcess second = Attached(home, id, {{"input", true}});
  for (const char* text : {"two", "three"}) {
    second.Send(std::string(text) + "\n");
    EXPECT_EQ(first.ReadLine(kPatience), text);
    EXPECT_EQ(second.ReadLine(kPatience), text);
  }
  EXPECT_EQ(home.State(id), "running");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "1000"})));
}

TEST(Attach, ShowsWhatComesFromNowOnToSeveralAtOnce) {
  TestHome home;
  const std::string id = home.Start({"echo", "before", ";", "cat"}, {{"interactive", true}});
  ToolProcess watcher = Attached(home, id);
  ToolProcess feeder = Attached(home, id, {{"input", true}});
  feeder.Send("hello\n");
  EXPECT_EQ(watcher.ReadLine(kPatience), "hello");
  EXPECT_EQ(feeder.ReadLine(kPatience), "hello");
  EXPECT_TRUE(IsOk(home.Run({"kill", id, "12"})));
  EXPECT_EQ(watcher.Finish().shell(), 140);
  EXPECT_EQ(feeder.Finish().shell(), 140);
}

// The reader holds the log's file that it is in, but not the next one: a box that is gone would
// have taken that along.
TEST(Attach, ToADyingBoxMadeToRemoveItselfStillGetsTheLastOutput) {
  constexpr std::size_t kBefore = 14'000'000;
  constexpr std::size_t kLast = 3'900'000;
  static_assert(kBefore < kLogRotateBytes && kBefore + kLast > kLogRotateBytes);
  static_assert(kLast < kReaderWindow);
  TestHome home;
  const std::string id =
      home.Start({"spew", std::to_string(kBefore), ";", "cat", ";", "spew", std::to_string(kLast)},
                 {{"rm", true}});
  ASSERT_TRUE(AwaitLog(home, id, kBefore));
  ToolProcess reader = Attached(home, id);
  reader.Signal(SIGSTOP);
  const Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ToolProcess feeder = Attached(home, id, {{"input", true}, {"to_inherited", true}}, nowhere.get());
  feeder.EndInput();
  ASSERT_TRUE(home.AwaitEngine(id, "flushed"));
  ::usleep(100'000);  // time to go wrong in: the box would be gone
  reader.Signal(SIGCONT);
  const Answer answer = reader.Finish();
  EXPECT_TRUE(IsOk(answer));
  EXPECT_EQ(answer.output.size(), kLast);
  EXPECT_TRUE(IsOk(feeder.Finish()));
  EXPECT_EQ(home.State(id), "absent");
}

TEST(Attach, DetachKeysLeaveTheBoxAndItsInput) {
  TestHome home;
  const std::string id = home.Start({"cat"});
  ToolProcess attach = Attached(home, id, {{"input", true}, {"keys", "~q"}});
  attach.Send("hello~q");
  const Answer answer = attach.Finish();
  EXPECT_TRUE(IsOk(answer));
  EXPECT_TRUE(answer.json.value("detached", false)) << answer.text();
  ToolProcess again = Attached(home, id, {{"input", true}});
  again.Send("there\n");
  EXPECT_EQ(again.ReadLine(kPatience), "there");
  again.EndInput();
  EXPECT_EQ(again.Finish().shell(), 0) << "the keys had not ended main's input";
}

TEST(Foreground, DetachKeysLetTheBoxOutliveItsMaker) {
  for (const bool removes : {false, true}) {
    TestHome home;
    const std::string id = home.Create({"say-term"}, {{"interactive", true}, {"rm", removes}});
    ToolProcess run = home.Begin({"foreground", id, R"({"input": true, "keys": "~q"})"});
    run.Send("~q");
    const Answer answer = run.Finish();
    EXPECT_TRUE(IsOk(answer));
    EXPECT_TRUE(answer.json.value("detached", false)) << answer.text();
    // The shim hears of its maker's end before this call, which comes after it on the same loop.
    EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
    EXPECT_EQ(home.State(id), "running");
    EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
    EXPECT_EQ(home.State(id), removes ? "absent" : "stopped");
  }
}

TEST(Foreground, FollowsALifeThatIsNotItsOwnFromTheFirstByte) {
  TestHome home;
  const std::string id = home.Create({"echo", "first", ";", "say-term"});
  ToolProcess start = home.Begin({"foreground", id, R"({"follow": true})"});
  EXPECT_EQ(start.ReadLine(kPatience), "first");
  start.KillAndReap();
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  EXPECT_EQ(home.State(id), "running");
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  ToolProcess again = home.Begin({"foreground", id, R"({"follow": true})"});
  EXPECT_EQ(again.ReadLine(kPatience), "first") << "of this life, and only of it";
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  EXPECT_EQ(again.Finish().output, "caught the stop signal\n");
}

TEST(Foreground, ItsControlsReachMain) {
  TestHome home;
  FdPair control = std::move(*MakePipe());
  const std::string id = home.Create({"size", ";", "cat"}, {{"terminal", true}});
  ToolProcess run = home.Begin(
      {"foreground", id, R"({"control": true, "rows": 40, "columns": 132})"}, control.first.get());
  EXPECT_EQ(run.ReadLine(kPatience), "40 132") << "at its first look";
  ASSERT_TRUE(WriteAll(control.second.get(), "\x32").ok());
  EXPECT_TRUE(home.AwaitEngine(id, "size 50 50"));
  ASSERT_TRUE(WriteAll(control.second.get(), "s").ok());
  EXPECT_EQ(run.Finish().shell(), 128 + SIGUSR1);
}

TEST(Foreground, AReaderThatStandsStillStopsMainAndLosesNothing) {
  TestHome home;
  const std::string id = home.Create({"spew", std::to_string(kFlood), ";", "exit", "3"});
  ToolProcess run = home.Begin({"foreground", id});
  ASSERT_TRUE(home.AwaitEngine(id, "start"));
  ExpectMainWaits(home, id);
  const Answer answer = run.Finish();
  EXPECT_TRUE(IsOk(answer));
  EXPECT_EQ(answer.output.size(), kFlood);
  EXPECT_EQ(answer.shell(), 3);
}

TEST(Foreground, AReaderThatIsLateLosesNothing) {
  TestHome home;
  const std::string id = home.Create({"spew", std::to_string(kFlood)});
  // Stopped while the box boots: main floods before its reader has attached.
  home.Script(id, R"({"slow": {"greeting": 300}})");
  ToolProcess run = home.Begin({"foreground", id});
  ASSERT_TRUE(home.AwaitEngine(id, "greeting"));
  run.Signal(SIGSTOP);
  ASSERT_TRUE(home.AwaitEngine(id, "start"));
  ExpectMainWaits(home, id);
  run.Signal(SIGCONT);
  EXPECT_EQ(run.Finish().output.size(), kFlood);
}

TEST(Foreground, AStoppedMainDoesNotWaitForAReaderThatStandsStill) {
  TestHome home;
  const std::string id = home.Create({"spew", std::to_string(kFlood)});
  ToolProcess run = home.Begin({"foreground", id});
  ASSERT_TRUE(home.AwaitEngine(id, "start"));
  ASSERT_TRUE(AwaitLog(home, id, kReaderWindow));
  const ProcessRef shim = home.Shim(id);
  ToolProcess stop = home.Begin({"stop", id, "60000"});
  ASSERT_TRUE(shim.AwaitEnd(15'000));
  const Answer stopped = stop.Finish();
  EXPECT_TRUE(IsOk(stopped));
  EXPECT_FALSE(stopped.json.value("forced", true)) << stopped.text();
  EXPECT_EQ(home.Look(id)["exit"]["signal"], SIGTERM) << home.Look(id);
  EXPECT_TRUE(IsOk(run.Finish()));
}

TEST(Attach, AKilledReaderFreesMain) {
  TestHome home;
  const std::string id = home.Start({"cat", ";", "spew", std::to_string(kFlood), ";", "exit", "3"});
  ToolProcess reader = Attached(home, id);
  {
    ToolProcess feeder = Attached(home, id, {{"input", true}});
    feeder.EndInput();
    ASSERT_TRUE(AwaitLog(home, id, kReaderWindow));
    EXPECT_EQ(home.State(id), "running");
    feeder.KillAndReap();
  }
  ToolProcess wait = home.Begin({"wait", id});
  reader.KillAndReap();
  EXPECT_EQ(wait.Finish().shell(), 3);
}

TEST(Foreground, EndsABoxWhoseReaderHasLeft) {
  TestHome home;
  const std::string id = home.Create({"spew", std::to_string(kFlood)});
  FdPair pipe = std::move(*MakePipe());
  pipe.first.Reset();
  ToolProcess run = home.Begin({"foreground", id, R"({"to_inherited": true})"}, pipe.second.get());
  pipe.second.Reset();
  EXPECT_TRUE(HasCode(run.Finish(), "unavailable"));
  EXPECT_EQ(home.State(id), "stopped");
  EXPECT_EQ(home.Look(id)["exit"]["signal"], SIGPIPE);
}

}  // namespace
}  // namespace boxlite::testing

// A detached box outlives its maker, and every later process sees and uses it.
#include <signal.h>

#include <filesystem>
#include <random>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

TEST(Detached, RunsAndAnswersExec) {
  TestHome home;
  const std::string id = home.Start();
  EXPECT_EQ(home.State(id), "running");
  const Answer exec = home.Run({"exec", id, "echo", "hello", ";", "exit", "7"});
  ASSERT_TRUE(IsOk(exec));
  EXPECT_EQ(exec.output, "hello\n");
  EXPECT_EQ(exec.shell(), 7);
  const Answer stop = home.Run({"stop", id, "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_EQ(home.State(id), "stopped");
  EXPECT_TRUE(home.Look(id)["outcome"]["flushed"].get<bool>());
}

}  // namespace
}  // namespace boxlite::testing

// Who asks for an end while another end, or its own grip on the box, is in the way.
#include <signal.h>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

TEST(Impatient, ASecondStopMayShortenTheGraceOfTheFirst) {
  TestHome home;
  const std::string id = home.Start({"ignore-term"});
  ToolProcess patient = home.Begin({"stop", id, "100000"});
  ASSERT_TRUE(home.AwaitEngine(id, "signal"));
  const Answer second = home.Run({"stop", id, "0"});
  ASSERT_TRUE(IsOk(second));
  EXPECT_LT(second.took, milliseconds(30'000));
  const Answer first = patient.Finish(milliseconds(30'000));
  ASSERT_TRUE(first.exited);
  EXPECT_TRUE(IsOk(first));
  EXPECT_TRUE(first.json["forced"].get<bool>());
  EXPECT_EQ(home.State(id), "stopped");
}

TEST(Impatient, ALaterStopCannotLengthenTheGrace) {
  TestHome home;
  const std::string id = home.Start({"ignore-term"});
  ToolProcess quick = home.Begin({"stop", id, "3000"});
  ASSERT_TRUE(home.AwaitEngine(id, "signal"));
  ToolProcess slow = home.Begin({"stop", id, "100000"});
  const Answer first = quick.Finish(milliseconds(30'000));
  ASSERT_TRUE(first.exited);
  EXPECT_TRUE(IsOk(first));
  EXPECT_TRUE(IsOk(slow.Finish(milliseconds(30'000))));
}

TEST(Impatient, RemovingByForceDoesNotWaitForAPatientStop) {
  TestHome home;
  const std::string id = home.Start({"ignore-term"});
  ToolProcess patient = home.Begin({"stop", id, "100000"});
  ASSERT_TRUE(home.AwaitEngine(id, "signal"));
  const Answer removed = home.Run({"rmf", id});
  ASSERT_TRUE(IsOk(removed));
  EXPECT_LT(removed.took, milliseconds(30'000));
  EXPECT_TRUE(patient.Finish(milliseconds(30'000)).exited);
}

TEST(Impatient, AStopOfAnAttachedBoxThatRemovesItselfNeedsNoForce) {
  // Its creator holds the keepalive and reads nothing: it must not hold up who ends the box.
  TestHome home;
  const std::string id = home.Create({"sleep-forever"}, {{"rm", true}});
  ToolProcess creator = home.Begin({"attach-hold", id});
  ASSERT_TRUE(creator.ReadLine(milliseconds(30'000)));
  const Answer stop = home.Run({"stop", id, "1000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_LT(stop.took, milliseconds(9'000));
  EXPECT_FALSE(stop.json.value("forced", true)) << stop.text();
  EXPECT_TRUE(HasCode(home.Run({"inspect", id}), "not_found"));
}

}  // namespace
}  // namespace boxlite::testing

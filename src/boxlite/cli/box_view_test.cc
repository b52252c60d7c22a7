#include "boxlite/cli/box_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "boxlite/cli/table.h"

namespace boxlite::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'700'000'000 * kSecond;

BoxSpec Spec() {
  BoxSpec spec;
  spec.id = "abcdefghijkl";
  spec.name = "web";
  spec.created_ns = kNow - 7200 * kSecond;
  spec.image = "boxlite/base";
  spec.argv = {"sleep", "1000"};
  spec.labels = {{"tier", "front"}};
  return spec;
}

BoxInfo Box(BoxState state, const std::string& reason = "a reason", Result<BoxSpec> spec = Spec()) {
  return BoxInfo{*BoxId::Parse("abcdefghijkl"),
                 std::move(spec),
                 {state, reason, std::nullopt},
                 1,
                 {},
                 {},
                 {},
                 ""};
}

BoxInfo Running() {
  BoxInfo box = Box(BoxState::kRunning, "main is running");
  LifeRecord record;
  record.life_id = "life";
  record.phase = Phase::kMainStarted;
  record.shim.pid = 100;
  record.vm = ProcessIdentity{.pid = 200, .start_ticks = 1};
  record.host.boot_id = "boot";
  record.started_ns = kNow - 180 * kSecond;
  record.accelerator = "tcg";
  record.guest_ms = 1300;
  box.record = record;
  box.handshake = "ok";
  return box;
}

BoxInfo Stopped() {
  BoxInfo box = Running();
  box.derived = {BoxState::kStopped, "main exited with code 3",
                 ProcessExit{.code = 3, .signal = {}}};
  box.main_exit = MainExit{
      .life_id = "life", .exit = {.code = 3, .signal = {}}, .at_ns = kNow - 3600 * kSecond};
  box.handshake = "";
  return box;
}

TEST(StatusText, TellsStateAndAge) {
  EXPECT_EQ(StatusText(Box(BoxState::kConfigured), kNow), "configured");
  EXPECT_EQ(StatusText(Box(BoxState::kStarting, "the machine is booting"), kNow),
            "starting: the machine is booting");
  EXPECT_EQ(StatusText(Running(), kNow), "running (3 minutes)");
  EXPECT_EQ(StatusText(Box(BoxState::kRunning, "record is unreadable"), kNow),
            "running: record is unreadable");
  EXPECT_EQ(StatusText(Box(BoxState::kStopping), kNow), "stopping");
  EXPECT_EQ(StatusText(Stopped(), kNow), "stopped (3) 1 hour ago");
  EXPECT_EQ(StatusText(Box(BoxState::kStopped), kNow), "stopped");
  EXPECT_EQ(StatusText(Box(BoxState::kFailed, "its supervisor was lost"), kNow),
            "failed: its supervisor was lost");
}

TEST(StatusText, SurvivesAClockThatWasSetBack) {
  EXPECT_EQ(StatusText(Running(), kNow - 86400 * kSecond), "running (less than a second)");
}

TEST(ListTable, HasDockersColumns) {
  EXPECT_EQ(
      ListTable({Running()}, kNow, /*whole=*/false),
      "ID             IMAGE          COMMAND        CREATED       STATUS                NAMES\n"
      "abcdefghijkl   boxlite/base   \"sleep 1000\"   2 hours ago   running (3 minutes)   web\n");
}

TEST(ListTable, ShortensLongCellsUnlessToldNotTo) {
  BoxSpec spec = Spec();
  spec.argv = {"sh", "-c", "a very long command that goes on and on"};
  const BoxInfo box = Box(BoxState::kFailed, std::string(200, 'r'), spec);
  EXPECT_THAT(ListTable({box}, kNow, false), HasSubstr("\"sh -c a very long c...\""));
  EXPECT_THAT(ListTable({box}, kNow, false), Not(HasSubstr(std::string(60, 'r'))));
  EXPECT_THAT(ListTable({box}, kNow, true), HasSubstr("goes on and on\""));
  EXPECT_THAT(ListTable({box}, kNow, true), HasSubstr(std::string(200, 'r')));
}

TEST(ListTable, ListsABoxWhoseSpecIsUnreadable) {
  const BoxInfo box =
      Box(BoxState::kRunning, "main is running", Error(ErrorCode::kCorrupt, "damaged"));
  EXPECT_THAT(ListTable({box}, kNow, false), HasSubstr("abcdefghijkl   <unreadable>"));
}

TEST(ListTable, LetsNoControlCharacterReachTheTerminal) {
  BoxSpec spec = Spec();
  spec.argv = {"a\x1b[31m\nb"};
  const std::string table = ListTable({Box(BoxState::kStopped, "r", spec)}, kNow, true);
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2);
}

TEST(ListEntry, HasStableKeys) {
  const Document entry = ListEntry(Stopped(), kNow);
  std::vector<std::string> keys;
  for (const auto& [key, value] : entry.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::ElementsAre("id", "name", "image", "command", "created", "state",
                                         "reason", "status", "exit_code", "started", "cpus",
                                         "memory_mib", "disk_bytes", "labels"));
  EXPECT_EQ(entry["id"], "abcdefghijkl");
  EXPECT_EQ(entry["state"], "stopped");
  EXPECT_EQ(entry["exit_code"], 3);
  EXPECT_EQ(entry["created"], "2023-11-14T20:13:20.000000000Z");
  EXPECT_EQ(entry["labels"]["tier"], "front");
  EXPECT_EQ(entry["memory_mib"], 512);
}

TEST(ListEntry, TellsWhyASpecIsUnreadable) {
  const Document entry =
      ListEntry(Box(BoxState::kStopped, "r", Error(ErrorCode::kCorrupt, "damaged")), kNow);
  EXPECT_EQ(entry["problem"], "damaged");
  EXPECT_TRUE(entry["cpus"].is_null());
  EXPECT_TRUE(entry["name"].is_null());
}

TEST(InspectEntry, ShowsStateAndEvidenceOfARunningBox) {
  const Document entry = InspectEntry(Running());
  EXPECT_EQ(entry["Id"], "abcdefghijkl");
  EXPECT_EQ(entry["Name"], "web");
  EXPECT_EQ(entry["Memory"], 512 * 1024 * 1024);
  EXPECT_EQ(entry["State"]["Status"], "running");
  EXPECT_EQ(entry["State"]["Running"], true);
  EXPECT_EQ(entry["State"]["Pid"], 200);
  EXPECT_TRUE(entry["State"]["ExitCode"].is_null());
  EXPECT_TRUE(entry["State"]["FinishedAt"].is_null());
  EXPECT_EQ(entry["Evidence"]["LifeId"], "life");
  EXPECT_EQ(entry["Evidence"]["Handshake"], "ok");
  EXPECT_EQ(entry["Evidence"]["ShimPid"], 100);
  EXPECT_EQ(entry["Evidence"]["VmPid"], 200);
  EXPECT_EQ(entry["Evidence"]["Accelerator"], "tcg");
  EXPECT_EQ(entry["Evidence"]["BootId"], "boot");
  EXPECT_EQ(entry["Evidence"]["StartMs"]["Guest"], 1300);
  EXPECT_TRUE(entry["Evidence"]["Outcome"].is_null());
}

TEST(InspectEntry, ShowsHowALifeEndedAndNoPidOfADeadOne) {
  BoxInfo box = Stopped();
  box.outcome = LifeOutcome{.life_id = "life",
                            .kind = OutcomeKind::kFailed,
                            .stage = "boot",
                            .reason = "late",
                            .code = ErrorCode::kTimeout,
                            .at_ns = kNow};
  const Document entry = InspectEntry(box);
  EXPECT_EQ(entry["State"]["Pid"], 0);
  EXPECT_EQ(entry["State"]["ExitCode"], 3);
  EXPECT_EQ(entry["State"]["FinishedAt"], "2023-11-14T21:13:20.000000000Z");
  EXPECT_EQ(entry["Evidence"]["Outcome"]["Kind"], "failed");
  EXPECT_EQ(entry["Evidence"]["Outcome"]["Stage"], "boot");
  EXPECT_EQ(entry["Evidence"]["Outcome"]["Code"], "timeout");
}

TEST(InspectEntry, IsThereForABoxThatNeverLived) {
  BoxInfo box = Box(BoxState::kConfigured, "it was never started");
  box.life_number = 0;
  const Document entry = InspectEntry(box);
  EXPECT_TRUE(entry["State"]["StartedAt"].is_null());
  EXPECT_EQ(entry["Evidence"]["Life"], 0);
  EXPECT_TRUE(entry["Evidence"]["LifeId"].is_null());
}

TEST(Table, AlignsCharactersOfSeveralBytes) {
  EXPECT_EQ(FormatTable({{"A", "B"}, {"\xc3\xa4\xc3\xb6", "x"}}), "A    B\n\xc3\xa4\xc3\xb6   x\n");
}

TEST(Table, ShortensBetweenCharacters) {
  EXPECT_EQ(Shortened("abcdefgh", 8), "abcdefgh");
  EXPECT_EQ(Shortened("abcdefghi", 8), "abcde...");
  EXPECT_EQ(Shortened("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 5),
            "\xc3\xa4\xc3\xa4...");
}

}  // namespace
}  // namespace boxlite::cli

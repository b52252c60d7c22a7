#include "boxlite/cli/use_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace boxlite::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

BoxProcesses Some() {
  BoxProcesses some;
  some.total = 2;
  some.processes.push_back({1, 0, "root", "S", 61'000, 3'723'000, 4096, "sleep 1000", "main"});
  some.processes.push_back({7, 1, "box", "R", 100, 65'000, 8192,
                            "evil \x1b[2J\n9 \xc2\x9b"
                            "3Jroot",
                            "exec-1"});
  return some;
}

UseRow Running() {
  BoxUse before;
  before.cpu_ms = 1000;
  before.at_ns = 5'000'000'000;
  before.vm = HostUse{77, 100, 0, 0};
  BoxUse after = before;
  after.cpu_ms = 1500;
  after.at_ns = 7'000'000'000;
  after.memory_bytes = 256 << 20;
  after.memory_limit_bytes = 512 << 20;
  after.processes = 3;
  after.vm = HostUse{77, 2100, 300 << 20, 200 << 20};
  return {*BoxId::Parse("abcdefghij01"), "web", "running", before, after};
}

TEST(ProcessTable, HasARowAProcessAndCannotBeForged) {
  const std::string table = ProcessTable(Some());
  EXPECT_EQ(table,
            "PID   USER   TIME      EXEC     COMMAND\n"
            "1     root   1:02:03   main     sleep 1000\n"
            "7     box    01:05     exec-1   evil ?[2J?9 ?3Jroot\n");
}

TEST(ProcessTable, JsonKeepsTheBytes) {
  const Document entries = ProcessEntries(Some());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1]["command"],
            "evil \x1b[2J\n9 \xc2\x9b"
            "3Jroot");
  EXPECT_EQ(entries[1]["ppid"], 1);
  EXPECT_EQ(entries[0]["exec"], "main");
}

TEST(UseTable, SharesAreOfTheTimeBetweenTheSamples) {
  const std::string table = UseTable({Running()});
  EXPECT_THAT(table, HasSubstr("web    25.00%   256.0 MiB / 512.0 MiB   50.00%"));
  EXPECT_THAT(table, HasSubstr("200.0 MiB 100.00%"));
  const Document entry = UseEntries({Running()})[0];
  EXPECT_EQ(entry["cpu_percent"], 25.0);
  EXPECT_EQ(entry["vm"]["rss_bytes"], 300 << 20);
  EXPECT_TRUE(entry["shim"].is_null());
}

TEST(UseTable, ABoxThatStoppedMeanwhileIsARowThatSaysSo) {
  UseRow row = Running();
  row.after.reset();
  row.state = "stopped";
  const std::string table = UseTable({row});
  EXPECT_THAT(table, HasSubstr("web    stopped   --"));
  EXPECT_THAT(table, Not(HasSubstr("%  0")));
  EXPECT_TRUE(UseEntries({row})[0]["cpu_percent"].is_null());
  EXPECT_EQ(UseEntries({row})[0]["state"], "stopped");
}

TEST(UseTable, ACounterThatWentBackIsAnotherLifes) {
  UseRow row = Running();
  row.after->cpu_ms = 3;
  EXPECT_EQ(UseEntries({row})[0]["cpu_percent"], 0.0);
  row = Running();
  row.after->vm->pid = 78;
  EXPECT_EQ(UseEntries({row})[0]["vm"]["cpu_percent"], 0.0);
}

}  // namespace
}  // namespace boxlite::cli

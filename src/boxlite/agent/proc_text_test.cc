#include "boxlite/agent/proc_text.h"

#include <gtest/gtest.h>

namespace boxlite {
namespace {

std::string StatusText(const std::string& name, const std::string& pids) {
  return "Name:\t" + name +
         "\nUmask:\t0022\nState:\tS (sleeping)\nPid:\t300\nUid:\t0\t1000\t0\t0\n" + "NSpid:\t" +
         pids + "\nThreads:\t1\n";
}

TEST(ProcessStatus, TellsTheEffectiveUserAndThePidInTheBox) {
  Result<StatusFacts> facts = ParseProcessStatus(StatusText("sh", "300\t17"));
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->effective_uid, 1000u);
  EXPECT_EQ(facts->box_pid, 17);
}

TEST(ProcessStatus, AProcessInANamespaceOfItsOwnHasThePidThatTheBoxSees) {
  EXPECT_EQ(ParseProcessStatus(StatusText("sh", "300\t17\t1"))->box_pid, 17);
  EXPECT_EQ(ParseProcessStatus(StatusText("sh", "300"))->box_pid, 0);
}

TEST(ProcessStatus, ANameCannotForgeALine) {
  // The kernel writes a newline of the name as \n.
  for (const char* name : {"a) R (b", "NSpid:\t300\t1", "x\\nUid:\t7\t7\t7\t7", "Uid: 1 1", ""}) {
    Result<StatusFacts> facts = ParseProcessStatus(StatusText(name, "300\t17"));
    ASSERT_TRUE(facts.ok()) << name;
    EXPECT_EQ(facts->effective_uid, 1000u) << name;
    EXPECT_EQ(facts->box_pid, 17) << name;
  }
}

TEST(ProcessStatus, WhatIsNoSuchFileIsCorrupt) {
  for (const std::string& text :
       {std::string(), std::string("Uid:\t0\t0\t0\t0\n"), std::string("NSpid:\t1\t2\n"),
        StatusText("sh", "300\tx"), StatusText("sh", "300\t-4"), StatusText("sh", "")}) {
    EXPECT_FALSE(ParseProcessStatus(text).ok()) << text;
  }
}

TEST(Command, IsItsArgumentsJoinedByBlanks) {
  EXPECT_EQ(CommandOf(std::string_view("sh\0-c\0a b\0", 10)), "sh -c a b");
  EXPECT_EQ(CommandOf(std::string_view("title of its own\0\0\0", 19)), "title of its own");
  EXPECT_EQ(CommandOf(""), "");
  EXPECT_EQ(CommandOf(std::string_view("\0\0", 2)), "");
}

TEST(DiskTraffic, IsOfTheDiskThatWasNamed) {
  constexpr char kStats[] =
      " 253   16 vdab 9 9 9 9 9 9 9 9 0 0 0\n"
      " 253    0 vda 120 3 4000 50 60 7 800 90 0 100 140 0 0 0 0\n";
  ASSERT_TRUE(TrafficOf(kStats, "vda").has_value());
  EXPECT_EQ(TrafficOf(kStats, "vda")->read_bytes, 4000u * 512);
  EXPECT_EQ(TrafficOf(kStats, "vda")->written_bytes, 800u * 512);
  EXPECT_FALSE(TrafficOf(kStats, "vdb").has_value());
  EXPECT_FALSE(TrafficOf(" 253 0 vda 1 2 x 4 5 6 7 8\n", "vda").has_value());
  EXPECT_FALSE(TrafficOf(" 253 0 vda 1 2", "vda").has_value());
}

}  // namespace
}  // namespace boxlite

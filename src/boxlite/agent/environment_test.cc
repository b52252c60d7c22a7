#include "boxlite/agent/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxlite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Environment, TheFirstOfAVariableCounts) {
  EXPECT_EQ(FindVariable({"A=1", "A=2"}, "A"), "1");
  EXPECT_EQ(FindVariable({"AB=1", "A="}, "A"), "");
  EXPECT_EQ(FindVariable({"AB=1", "A"}, "A"), std::nullopt);
}

TEST(Environment, PathAndHomeAreAddedOnlyWhereTheyAreMissing) {
  EXPECT_THAT(CompleteEnvironment({"A=1"}, "/home/box"),
              ElementsAre("A=1", std::string("PATH=") + kDefaultPath, "HOME=/home/box"));
  EXPECT_THAT(CompleteEnvironment({"HOME=/x", "PATH="}, "/home/box"),
              ElementsAre("HOME=/x", "PATH="));
}

TEST(Environment, AProgramWithATerminalIsToldOfOneUnlessItWasTold) {
  EXPECT_THAT(CompleteEnvironment({"HOME=/", "PATH="}, "/", Standard::kTerminal),
              ElementsAre("HOME=/", "PATH=", "TERM=xterm"));
  EXPECT_THAT(CompleteEnvironment({"HOME=/", "PATH=", "TERM=dumb"}, "/", Standard::kTerminal),
              ElementsAre("HOME=/", "PATH=", "TERM=dumb"));
}

TEST(Environment, ACommandWithASlashIsNotSearched) {
  EXPECT_THAT(CommandCandidates("./a", "/bin"), ElementsAre("./a"));
  EXPECT_THAT(CommandCandidates("/a", ""), ElementsAre("/a"));
}

TEST(Environment, ACommandIsSearchedInTheAbsoluteDirectoriesOfPathInOrder) {
  EXPECT_THAT(CommandCandidates("a", "/x:/y/"), ElementsAre("/x/a", "/y/a"));
}

TEST(Environment, WhatRunsDoesNotDependOnTheWorkingDirectory) {
  EXPECT_THAT(CommandCandidates("a", ":.:bin:/x:"), ElementsAre("/x/a"));
  EXPECT_THAT(CommandCandidates("a", ""), IsEmpty());
  EXPECT_THAT(CommandCandidates("", "/x"), IsEmpty());
}

}  // namespace
}  // namespace boxlite

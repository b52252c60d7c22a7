#include "boxlite/runtime/home.h"

#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "boxlite/runtime/testing.h"

namespace boxlite {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Sets a variable of the environment for a scope.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = ::getenv(name); old != nullptr) before_ = old;
    Set(value);
  }
  ~Variable() { Set(before_ ? before_->c_str() : nullptr); }

 private:
  void Set(const char* value) {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST(HomePath, IsTheGivenElseTheVariableElseBelowTheUsersHome) {
  Variable user("HOME", "/users/me");
  Variable variable("BOXLITE_HOME", "/from/variable");
  EXPECT_EQ(*Home::ResolvePath("/given"), "/given");
  EXPECT_EQ(*Home::ResolvePath(""), "/from/variable");
  Variable none("BOXLITE_HOME", nullptr);
  EXPECT_EQ(*Home::ResolvePath(""), "/users/me/.boxlite");
  EXPECT_EQ((*Home::ResolvePath("relative"))[0], '/');
  Variable homeless("HOME", nullptr);
  EXPECT_THAT(Home::ResolvePath(""), HasCode(ErrorCode::kInvalidArgument));
}

TEST(Home, LookingAtOneThatIsNotThereMakesNothing) {
  TestDirectory dir;
  Result<std::optional<Home>> home = Home::OpenIfExists(dir.Path("none"));
  ASSERT_THAT(home, IsOk());
  EXPECT_FALSE(home->has_value());
  ASSERT_EQ(::mkdirat(dir.fd(), "empty", 0700), 0);
  home = Home::OpenIfExists(dir.Path("empty"));
  ASSERT_THAT(home, IsOk());
  EXPECT_FALSE(home->has_value());
  EXPECT_THAT(*ListDirectory(dir.fd()), ElementsAre("empty"));
}

TEST(Home, IsMadeWithItsParentsForItsOwnerOnly) {
  TestDirectory dir;
  const std::string path = dir.Path("a/b/c");
  ASSERT_THAT(Home::OpenOrCreate(path), IsOk());
  struct stat info = {};
  for (const char* part : {"", "/boxes", "/names", "/images", "/.trash"}) {
    ASSERT_EQ(::stat((path + part).c_str(), &info), 0) << part;
    EXPECT_EQ(info.st_mode & 07777, 0700u) << part;
  }
  EXPECT_THAT(Home::OpenOrCreate(path), IsOk()) << "a second time is fine";
  EXPECT_TRUE(Home::OpenIfExists(path)->has_value());
}

TEST(Home, AFileInItsPlaceIsAnError) {
  TestDirectory dir;
  ASSERT_THAT(WriteFileOnce(dir.fd(), "file", "x", Durability::kVolatile), IsOk());
  EXPECT_FALSE(Home::OpenOrCreate(dir.Path("file")).ok());
  EXPECT_FALSE(Home::OpenIfExists(dir.Path("file")).ok());
}

TEST(Home, WorksAtAPathThatNoSocketAddressHolds) {
  TestBoxes boxes(std::string(100, 'x') + "/" + std::string(100, 'y') + "/" +
                  std::string(100, 'z'));
  EXPECT_GT(boxes.path().size(), 300u);
  const BoxId id = boxes.Make("web");
  EXPECT_EQ(**boxes.home().FindByName("web"), id);
  EXPECT_THAT(boxes.home().OpenBox(id), IsOk());
}

TEST(Home, WorksAtAPathOfOddBytes) {
  TestBoxes boxes("sp ace\n,\xff'\"$x%");
  EXPECT_THAT(boxes.home().OpenBox(boxes.Make("web")), IsOk());
}

TEST(Home, ListsBoxesAndNothingElse) {
  TestBoxes boxes;
  const BoxId first = boxes.Make();
  const BoxId second = boxes.Make();
  for (const char* other : {"not-a-box", ".new-abcdefghij01"}) {
    ASSERT_EQ(::mkdirat(boxes.home().boxes_fd(), other, 0700), 0);
  }
  EXPECT_THAT(*boxes.home().ListBoxes(), UnorderedElementsAre(first, second));
}

TEST(Home, AMissingBoxIsNotFoundInWords) {
  TestBoxes boxes;
  Result<Fd> box = boxes.home().OpenBox(*BoxId::Parse("abcdefghij01"));
  ASSERT_THAT(box, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(box.error().message(), HasSubstr("no such box: abcdefghij01"));
}

TEST(Names, BelongToOneBoxUntilTheyAreReleased) {
  TestBoxes boxes;
  const BoxId owner = boxes.Make("web");
  const BoxId other = boxes.Make();
  EXPECT_THAT(boxes.home().ClaimName("web", other), HasCode(ErrorCode::kAlreadyExists));
  EXPECT_THAT(boxes.home().ReleaseName("web", other), IsOk()) << "and it stays the owner's";
  EXPECT_EQ(**boxes.home().FindByName("web"), owner);
  EXPECT_THAT(boxes.home().ReleaseName("web", owner), IsOk());
  EXPECT_FALSE(boxes.home().FindByName("web")->has_value());
  EXPECT_THAT(boxes.home().ClaimName("web", other), IsOk());
}

TEST(Names, CountOnlyForTheBoxThatSaysSoItself) {
  TestBoxes boxes;
  const BoxId other = boxes.Make("db");
  ASSERT_THAT(boxes.home().ClaimName("web", other), IsOk());
  EXPECT_FALSE(boxes.home().FindByName("web")->has_value());
  const BoxId owner = boxes.Make("web");
  EXPECT_EQ(**boxes.home().FindByName("web"), owner);
}

TEST(Names, OfABoxThatIsGoneAreFree) {
  TestBoxes boxes;
  const BoxId gone = boxes.Make("web");
  ASSERT_THAT(RemoveTree(boxes.home().boxes_fd(), gone.str()), IsOk());
  EXPECT_FALSE(boxes.home().FindByName("web")->has_value());
  const BoxId next = boxes.Make("web");
  EXPECT_EQ(**boxes.home().FindByName("web"), next);
}

TEST(Names, OfALiveCreatorAreTakenAndOfADeadOneFree) {
  TestBoxes boxes;
  const std::string creating = "abcdefghij01";
  ASSERT_EQ(::mkdirat(boxes.home().boxes_fd(), (".new-" + creating).c_str(), 0700), 0);
  Fd pending = std::move(*OpenDirectory(boxes.home().boxes_fd(), ".new-" + creating));
  ASSERT_THAT(WriteFileOnce(pending.get(), kVerbLock, "", Durability::kVolatile), IsOk());
  ASSERT_EQ(::symlinkat(creating.c_str(), boxes.home().names_fd(), "web"), 0);
  const BoxId other = boxes.Make();
  {
    Result<OfdLock> creator = OfdLock::TryAcquire(pending.get(), kVerbLock);
    ASSERT_THAT(creator, IsOk());
    EXPECT_THAT(boxes.home().ClaimName("web", other), HasCode(ErrorCode::kAlreadyExists));
  }
  EXPECT_THAT(boxes.home().ClaimName("web", other), IsOk());
}

TEST(Names, WhatSomebodyPutInTheirPlaceIsNoBox) {
  TestBoxes boxes;
  const BoxId id = boxes.Make();
  ASSERT_EQ(::symlinkat("../../etc", boxes.home().names_fd(), "path"), 0);
  ASSERT_THAT(WriteFileOnce(boxes.home().names_fd(), "file", id.str(), Durability::kVolatile),
              IsOk());
  EXPECT_FALSE(boxes.home().FindByName("path")->has_value());
  EXPECT_FALSE(boxes.home().FindByName("file")->has_value());
  EXPECT_FALSE(boxes.home().FindByName("../boxes")->has_value());
  EXPECT_FALSE(boxes.home().FindByName("")->has_value());
  EXPECT_THAT(boxes.home().ClaimName("file", id), IsOk());
}

TEST(Names, ARaceForOneHasExactlyOneWinner) {
  TestBoxes boxes;
  for (int round = 0; round < 20; ++round) {
    const std::string name = "web" + std::to_string(round);
    const BoxSpec specs[2] = {TestBoxes::Spec(name), TestBoxes::Spec(name)};
    int wins[2] = {0, 0};
    std::thread threads[2];
    for (int i = 0; i < 2; ++i) {
      threads[i] = std::thread([&, i] { wins[i] = PublishBox(boxes.home(), specs[i]).ok(); });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(wins[0] + wins[1], 1);
    EXPECT_EQ((*boxes.home().FindByName(name))->str(), specs[wins[0] == 1 ? 0 : 1].id);
  }
}

TEST(Filesystems, WhoseLocksOtherMachinesCannotSeeAreRefusedInWords) {
  for (long type : {0x6969L, 0xFF534D42L, 0xFE534D42L, 0x65735546L, 0x01021997L, 0x00C36400L,
                    0x0BD00BD0L, 0x47504653L, 0x19830326L}) {
    const FilesystemVerdict verdict = JudgeFilesystem(type);
    ASSERT_THAT(verdict.usable, HasCode(ErrorCode::kUnsupported)) << std::hex << type;
    EXPECT_THAT(verdict.usable.error().message(), HasSubstr(verdict.name));
    EXPECT_THAT(verdict.usable.error().message(), HasSubstr("--home"));
  }
  // A 32-bit kernel's f_type is sign-extended.
  EXPECT_FALSE(JudgeFilesystem(static_cast<int>(0xFF534D42)).usable.ok());
}

TEST(Filesystems, OfThisKernelAreUsableKnownOrNot) {
  for (long type : {0xEF53L, 0x9123683EL, 0x58465342L, 0x01021994L, 0x12345678L}) {
    EXPECT_THAT(JudgeFilesystem(type).usable, IsOk()) << std::hex << type;
    EXPECT_FALSE(JudgeFilesystem(type).name.empty());
  }
  EXPECT_EQ(JudgeFilesystem(0xEF53).name, "ext4");
}

}  // namespace
}  // namespace boxlite

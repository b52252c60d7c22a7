#include "boxlite/runtime/verb_lock.h"

#include <thread>

#include "boxlite/runtime/remove_box.h"
#include "boxlite/runtime/testing.h"

namespace boxlite {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class VerbLockTest : public testing::Test {
 protected:
  Result<OfdLock> Take(const std::string& verb, milliseconds wait) {
    return TakeVerbLock(boxes_.home(), id_, box_.get(), verb, wait);
  }
  TestBoxes boxes_;
  BoxId id_ = boxes_.Make("web");
  Fd box_ = boxes_.Open(id_);
};

TEST_F(VerbLockTest, IsHeldByOneVerbAndATimeoutNamesItAndItsProcess) {
  Result<OfdLock> first = Take("stop", milliseconds(0));
  ASSERT_THAT(first, IsOk());
  Result<OfdLock> second = Take("start", milliseconds(10));
  ASSERT_THAT(second, HasCode(ErrorCode::kTimeout));
  EXPECT_THAT(second.error().message(),
              HasSubstr("`stop` in process " + std::to_string(::getpid())));
}

TEST_F(VerbLockTest, TheNoteOfAnEarlierHolderIsReplaced) {
  { EXPECT_THAT(Take("a-verb-with-a-long-name", milliseconds(0)), IsOk()); }
  Result<OfdLock> held = Take("rm", milliseconds(0));
  ASSERT_THAT(held, IsOk());
  Result<OfdLock> refused = Take("start", milliseconds(0));
  ASSERT_THAT(refused, HasCode(ErrorCode::kTimeout));
  EXPECT_THAT(refused.error().message(), HasSubstr("`rm`"));
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("long-name")));
}

TEST_F(VerbLockTest, ADamagedNoteIsAnotherProcess) {
  Result<OfdLock> held = Take("stop", milliseconds(0));
  ASSERT_THAT(held, IsOk());
  ASSERT_EQ(::ftruncate(held->fd(), 0), 0);
  ASSERT_EQ(::pwrite(held->fd(), "{\"pid\":", 7, 0), 7);
  Result<OfdLock> refused = Take("start", milliseconds(0));
  ASSERT_THAT(refused, HasCode(ErrorCode::kTimeout));
  EXPECT_THAT(refused.error().message(), HasSubstr("another process"));
}

TEST_F(VerbLockTest, OfABoxThatWasRemovedIsNotFound) {
  ASSERT_EQ(::renameat(boxes_.home().boxes_fd(), id_.str().c_str(), boxes_.home().trash_fd(), "g"),
            0);
  EXPECT_THAT(Take("start", milliseconds(0)), HasCode(ErrorCode::kNotFound));
  EXPECT_FALSE(IsStillThere(boxes_.home(), id_, box_.get()));
  // Another box of the same id in its place is another box.
  ASSERT_EQ(::mkdirat(boxes_.home().boxes_fd(), id_.str().c_str(), 0700), 0);
  EXPECT_FALSE(IsStillThere(boxes_.home(), id_, box_.get()));
  EXPECT_THAT(Take("start", milliseconds(0)), HasCode(ErrorCode::kNotFound));
}

TEST_F(VerbLockTest, AWaiterGetsItsTurn) {
  std::optional<OfdLock> first;
  {
    Result<OfdLock> taken = Take("stop", milliseconds(0));
    ASSERT_THAT(taken, IsOk());
    first.emplace(std::move(*taken));
  }
  std::thread waiter([&] { EXPECT_THAT(Take("start", std::chrono::seconds(30)), IsOk()); });
  first.reset();
  waiter.join();
}

TEST_F(VerbLockTest, AWaiterWhoseBoxIsRemovedMeanwhileIsToldSo) {
  std::optional<OfdLock> remover;
  {
    Result<OfdLock> taken = Take("rm", milliseconds(0));
    ASSERT_THAT(taken, IsOk());
    remover.emplace(std::move(*taken));
  }
  std::thread waiter(
      [&] { EXPECT_THAT(Take("start", std::chrono::seconds(30)), HasCode(ErrorCode::kNotFound)); });
  EXPECT_THAT(TakeOutBox(boxes_.home(), id_), IsOk());
  remover.reset();
  waiter.join();
}

TEST(TakeOutBox, TakesBoxAndNameAndLeavesNoTrash) {
  TestBoxes boxes;
  const BoxId kept = boxes.Make("kept");
  const BoxId id = boxes.Make("web");
  EXPECT_THAT(TakeOutBox(boxes.home(), id), IsOk());
  EXPECT_THAT(*boxes.home().ListBoxes(), ElementsAre(kept));
  EXPECT_THAT(*ListDirectory(boxes.home().names_fd()), ElementsAre("kept"));
  EXPECT_THAT(*ListDirectory(boxes.home().trash_fd()), IsEmpty());
  EXPECT_THAT(TakeOutBox(boxes.home(), id), HasCode(ErrorCode::kNotFound));
}

TEST(TakeOutBox, ANameThatIsAnothersByNowStaysTheirs) {
  TestBoxes boxes;
  const BoxId id = boxes.Make("web");
  ASSERT_THAT(boxes.home().ReleaseName("web", id), IsOk());
  const BoxId next = boxes.Make("web");
  EXPECT_THAT(TakeOutBox(boxes.home(), id), IsOk());
  EXPECT_EQ(**boxes.home().FindByName("web"), next);
}

TEST(TakeOutBox, ADescriptorOfTheBoxStaysUsableForWhoStillReads) {
  TestBoxes boxes;
  const BoxId id = boxes.Make();
  Fd box = boxes.Open(id);
  Fd spec(::openat(box.get(), kSpecFile, O_RDONLY | O_CLOEXEC));
  ASSERT_THAT(TakeOutBox(boxes.home(), id), IsOk());
  char byte;
  EXPECT_EQ(::read(spec.get(), &byte, 1), 1);
  EXPECT_THAT(ReadFile(box.get(), kSpecFile, 100), HasCode(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace boxlite

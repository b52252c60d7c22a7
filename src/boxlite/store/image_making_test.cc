#include "boxlite/store/image_making.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "boxlite/base/interrupt.h"
#include "boxlite/store/testing.h"

namespace boxlite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ImageMakingTest : public ::testing::Test {
 protected:
  StoreFixture home_;
  ImageStore& store_ = home_.store();

  // A process that begins to make it and is killed.
  void DieMaking(const std::string& key) {
    const pid_t child = ::fork();
    if (child == 0) {
      Result<ImageMaking> making = ImageMaking::Begin(store_, key);
      static_cast<void>(
          WriteFileAtomically(making->directory(), "part", "x", Durability::kVolatile).ok());
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  std::vector<std::string> Names() { return *ListDirectory(store_.images_fd()); }
};

TEST_F(ImageMakingTest, LetsTheImageAppearWholeAndLeavesNothingElse) {
  const std::string digest = home_.AddImage('a');
  EXPECT_THAT(Names(), ElementsAre(ImageDirectoryName(digest)));
  EXPECT_THAT(*ListDirectory(store_.OpenImage(digest)->get()),
              UnorderedElementsAre(kBaseFile, kImageFile, kUseLock));
}

TEST_F(ImageMakingTest, LeavesNothingWhenItIsGivenUp) {
  {
    Result<ImageMaking> making = ImageMaking::Begin(store_, "k");
    ASSERT_THAT(making, IsOk());
    EXPECT_THAT(*store_.List(), IsEmpty());
  }
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(ImageMakingTest, OfADeadMakerIsNotSeenAndTakenAwayByTheNext) {
  DieMaking("dead");
  EXPECT_THAT(*store_.List(), IsEmpty());
  EXPECT_THAT(*store_.Strangers(), IsEmpty());
  EXPECT_THAT(*SweepMakings(store_, Sweep::kLook), ElementsAre(".lock-dead", ".new-dead"));
  home_.AddImage('a');
  EXPECT_EQ(Names().size(), 1u);
  DieMaking("dead");
  EXPECT_THAT(ImageMaking::Begin(store_, "dead"), IsOk());
  EXPECT_EQ(Names().size(), 1u);
}

TEST_F(ImageMakingTest, OfALivingMakerIsNotSweptAway) {
  Result<ImageMaking> making = ImageMaking::Begin(store_, "alive");
  ASSERT_THAT(making, IsOk());
  EXPECT_THAT(*SweepMakings(store_, Sweep::kRemove), IsEmpty());
  EXPECT_THAT(Names(), UnorderedElementsAre(".new-alive", ".lock-alive"));
}

TEST_F(ImageMakingTest, IsDoneByOneAndWaitedForByTheOthers) {
  std::atomic<int> made{0};
  std::atomic<int> inside{0};
  std::vector<std::thread> makers;
  makers.reserve(16);
  for (int i = 0; i < 16; ++i) {
    makers.emplace_back([&] {
      Result<ImageMaking> making = ImageMaking::Begin(store_, std::string(64, 'a'));
      ASSERT_THAT(making, IsOk());
      EXPECT_EQ(++inside, 1);
      StoredImage image;
      image.digest = "sha256:" + std::string(64, 'a');
      if (!store_.Has(image.digest)) {
        ++made;
        EXPECT_THAT(making->Publish(image), IsOk());
      }
      --inside;
    });
  }
  for (std::thread& maker : makers) maker.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(Names().size(), 1u);
}

TEST_F(ImageMakingTest, TellsThatItWaitsAndCanBeInterrupted) {
  Result<ImageMaking> first = ImageMaking::Begin(store_, "k");
  ASSERT_THAT(first, IsOk());
  Result<FdPair> pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  const ScopedInterrupt interrupt(pipe->first.get());
  Result<ImageMaking> second = ImageMaking::Begin(
      store_, "k", [&] { ASSERT_THAT(WriteAll(pipe->second.get(), "x"), IsOk()); });
  EXPECT_FALSE(second.ok());
}

TEST_F(ImageMakingTest, OfAnImageThatIsThereAlreadyKeepsTheOldOne) {
  const std::string digest = home_.AddImage('a');
  struct stat before = {};
  ASSERT_EQ(::fstat(store_.OpenImage(digest)->get(), &before), 0);
  home_.AddImage('a');
  struct stat after = {};
  ASSERT_EQ(::fstat(store_.OpenImage(digest)->get(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(Names().size(), 1u);
}

TEST_F(ImageMakingTest, OnADiskThatIsTooSmallIsToldBefore) {
  EXPECT_THAT(RequireSpace(home_.fd(), 0, "it"), IsOk());
  EXPECT_THAT(RequireSpace(home_.fd(), 1ULL << 60, "it"), HasCode(ErrorCode::kResourceExhausted));
}

}  // namespace
}  // namespace boxlite

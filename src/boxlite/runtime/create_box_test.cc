#include "boxlite/runtime/create_box.h"

#include <signal.h>
#include <sys/stat.h>

#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/evidence.h"
#include "boxlite/runtime/testing.h"

namespace boxlite {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;
const BoxId kId = *BoxId::Parse("abcdefghij01");

StoredImage Image() {
  StoredImage image;
  image.name = "boxlite/base";
  image.digest = "sha256:" + std::string(64, 'a');
  image.config.env = {"PATH=/bin", "LANG=C"};
  image.config.entrypoint = {"/entry"};
  image.config.command = {"default", "args"};
  image.config.working_dir = "/srv";
  image.config.user = "daemon";
  return image;
}

CreateOptions Options() {
  CreateOptions options;
  options.image = "boxlite/base";
  return options;
}

BoxSpec Merged(const CreateOptions& options, const StoredImage& image = Image()) {
  Result<BoxSpec> spec = MergeSpec(options, image, kId, kNow);
  EXPECT_THAT(spec, IsOk());
  return spec.ok() ? *spec : BoxSpec();
}

TEST(MergeSpec, WhatIsNotSaidComesFromTheImageAndTheDefaults) {
  const BoxSpec spec = Merged(Options());
  EXPECT_EQ(spec.id, kId.str());
  EXPECT_EQ(spec.created_ns, kNow);
  EXPECT_THAT(spec.argv, ElementsAre("/entry", "default", "args"));
  EXPECT_EQ(spec.command, Command::kImageDefault);
  EXPECT_THAT(spec.env, ElementsAre("PATH=/bin", "LANG=C"));
  EXPECT_EQ(spec.working_dir, "/srv");
  EXPECT_EQ(spec.user, "daemon");
  EXPECT_EQ(spec.hostname, kId.str());
  EXPECT_EQ(spec.stop_signal, SIGTERM);
  EXPECT_EQ(spec.memory_mib, kDefaultMemoryMib);
  EXPECT_EQ(spec.cpus, kDefaultCpus);
  EXPECT_EQ(spec.disk_bytes, kDefaultDiskBytes);
}

TEST(MergeSpec, ACommandReplacesTheImagesCommandAndKeepsItsEntrypoint) {
  CreateOptions options = Options();
  options.command = {"mine"};
  const BoxSpec spec = Merged(options);
  EXPECT_THAT(spec.argv, ElementsAre("/entry", "mine"));
  EXPECT_EQ(spec.command, Command::kUsers);
}

TEST(MergeSpec, AnEntrypointOfTheUsersDropsTheImagesCommand) {
  CreateOptions options = Options();
  options.entrypoint = {{"/mine"}};
  EXPECT_THAT(Merged(options).argv, ElementsAre("/mine"));
  EXPECT_EQ(Merged(options).command, Command::kUsers);
  options.command = {"arg"};
  EXPECT_THAT(Merged(options).argv, ElementsAre("/mine", "arg"));
}

TEST(MergeSpec, AnEmptyEntrypointIsNone) {
  CreateOptions options = Options();
  options.command = {"sh"};
  options.entrypoint = std::vector<std::string>{};
  EXPECT_THAT(Merged(options).argv, ElementsAre("sh"));
  options.entrypoint = {{""}};
  EXPECT_THAT(Merged(options).argv, ElementsAre("sh"));
  options.command.clear();
  EXPECT_THAT(MergeSpec(options, Image(), kId, kNow), HasCode(ErrorCode::kInvalidArgument))
      << "nothing is left to run";
}

TEST(MergeSpec, AVariableOfTheUsersReplacesTheImagesInPlace) {
  CreateOptions options = Options();
  options.env = {"LANG=de", "NEW=1"};
  EXPECT_THAT(Merged(options).env, ElementsAre("PATH=/bin", "LANG=de", "NEW=1"));
}

TEST(MergeSpec, TheImagesStopSignalMayBeANameOrANumber) {
  StoredImage image = Image();
  for (const char* text : {"SIGQUIT", "QUIT", "3"}) {
    image.config.stop_signal = text;
    EXPECT_EQ(Merged(Options(), image).stop_signal, SIGQUIT) << text;
  }
  CreateOptions options = Options();
  options.stop_signal = SIGUSR1;
  EXPECT_EQ(Merged(options, image).stop_signal, SIGUSR1);
  for (const char* text : {"SIGNONSENSE", "0", "65", "-3", "quit "}) {
    image.config.stop_signal = text;
    EXPECT_THAT(MergeSpec(Options(), image, kId, kNow), HasCode(ErrorCode::kInvalidArgument))
        << text;
  }
}

TEST(MergeSpec, WhatIsSaidWinsOverTheImage) {
  CreateOptions options = Options();
  options.working_dir = "/mine";
  options.user = "0";
  options.hostname = "h";
  options.cpus = 2;
  options.memory_mib = 128;
  options.disk_bytes = 1ULL << 30;
  options.remove_on_exit = true;
  options.accelerator = "tcg";
  options.labels = {{"k", "v"}};
  options.name = "web";
  const BoxSpec spec = Merged(options);
  EXPECT_EQ(spec.working_dir, "/mine");
  EXPECT_EQ(spec.user, "0");
  EXPECT_EQ(spec.hostname, "h");
  EXPECT_EQ(spec.cpus, 2u);
  EXPECT_EQ(spec.memory_mib, 128u);
  EXPECT_EQ(spec.disk_bytes, 1ULL << 30);
  EXPECT_TRUE(spec.remove_on_exit);
  EXPECT_EQ(spec.accelerator, "tcg");
  EXPECT_EQ(spec.labels.at("k"), "v");
  EXPECT_EQ(spec.name, "web");
}

TEST(MergeEnvironment, KeepsOrderAndComparesWholeNames) {
  EXPECT_THAT(MergeEnvironment({"A=1", "AB=2"}, {"A=3"}), ElementsAre("A=3", "AB=2"));
  EXPECT_THAT(MergeEnvironment({}, {"A=1", "A=2"}), ElementsAre("A=2"));
  EXPECT_THAT(MergeEnvironment({"A=1", "B=2", "A=3"}, {"A=4"}), ElementsAre("A=4", "B=2", "A=4"));
  EXPECT_THAT(MergeEnvironment({"A=1"}, {"A="}), ElementsAre("A="));
}

TEST(PublishBox, AppearsWhole) {
  TestBoxes boxes;
  BoxSpec spec = TestBoxes::Spec("web");
  ASSERT_THAT(PublishBox(boxes.home(), spec), IsOk());
  Fd box = boxes.Open(*BoxId::Parse(spec.id));
  EXPECT_EQ(*DecodeSpec(*ReadFile(box.get(), kSpecFile, kMaxDocumentBytes)), spec);
  for (const char* lock : {kVerbLock, kShimLock, kVmLock}) {
    struct stat info = {};
    ASSERT_EQ(::fstatat(box.get(), lock, &info, AT_SYMLINK_NOFOLLOW), 0) << lock;
    EXPECT_EQ(*ProbeLock(box.get(), lock), LockState::kFree) << lock;
  }
  Result<Evidence> evidence = ReadEvidence(box.get());
  ASSERT_THAT(evidence, IsOk());
  EXPECT_EQ(DeriveState(*evidence).state, BoxState::kConfigured);
}

TEST(PublishBox, ATakenNameLeavesNothingBehind) {
  TestBoxes boxes;
  const BoxId owner = boxes.Make("web");
  EXPECT_THAT(PublishBox(boxes.home(), TestBoxes::Spec("web")), HasCode(ErrorCode::kAlreadyExists));
  EXPECT_THAT(*ListDirectory(boxes.home().boxes_fd()), ElementsAre(owner.str()));
  EXPECT_EQ(**boxes.home().FindByName("web"), owner);
}

TEST(PublishBox, ATakenIdLeavesItsOwnerAloneAndFreesTheName) {
  TestBoxes boxes;
  BoxSpec spec = TestBoxes::Spec();
  ASSERT_THAT(PublishBox(boxes.home(), spec), IsOk());
  spec.name = "second";
  EXPECT_THAT(PublishBox(boxes.home(), spec), HasCode(ErrorCode::kAlreadyExists));
  EXPECT_THAT(*ListDirectory(boxes.home().boxes_fd()), ElementsAre(spec.id));
  Fd box = boxes.Open(*BoxId::Parse(spec.id));
  EXPECT_EQ(DecodeSpec(*ReadFile(box.get(), kSpecFile, kMaxDocumentBytes))->name, "");
  EXPECT_THAT(*ListDirectory(boxes.home().names_fd()), IsEmpty());
}

class SweepTest : public testing::Test {
 protected:
  // A creator's directory, as old as `age_seconds`.
  Fd MakePending(const std::string& id, int age_seconds) {
    const std::string name = ".new-" + id;
    BOXLITE_CHECK(::mkdirat(boxes_.home().boxes_fd(), name.c_str(), 0700) == 0);
    Fd pending = std::move(*OpenDirectory(boxes_.home().boxes_fd(), name));
    BOXLITE_CHECK(WriteFileOnce(pending.get(), kVerbLock, "", Durability::kVolatile).ok());
    const timespec then = {::time(nullptr) - age_seconds, 0};
    const timespec times[2] = {then, then};
    BOXLITE_CHECK(::futimens(pending.get(), times) == 0);
    return pending;
  }
  std::vector<std::string> Boxes() { return *ListDirectory(boxes_.home().boxes_fd()); }
  TestBoxes boxes_;
};

TEST_F(SweepTest, TakesWhatADeadCreatorLeftAndNothingFresh) {
  MakePending("oldoldoldold", 2 * 3600);
  MakePending("freshfresh01", 60);
  SweepLeftovers(boxes_.home());
  EXPECT_THAT(Boxes(), ElementsAre(".new-freshfresh01"));
}

TEST_F(SweepTest, LeavesAnOldOneAloneWhoseCreatorLives) {
  Fd pending = MakePending("oldoldoldold", 2 * 3600);
  Result<OfdLock> lock = OfdLock::TryAcquire(pending.get(), kVerbLock);
  ASSERT_THAT(lock, IsOk());
  SweepLeftovers(boxes_.home());
  EXPECT_THAT(Boxes(), ElementsAre(".new-oldoldoldold"));
}

TEST_F(SweepTest, EmptiesTheTrashAndLeavesBoxesAndStrangers) {
  const BoxId box = boxes_.Make();
  ASSERT_EQ(::mkdirat(boxes_.home().boxes_fd(), "a-strangers", 0700), 0);
  ASSERT_EQ(::mkdirat(boxes_.home().trash_fd(), "grave", 0700), 0);
  ASSERT_EQ(::mkdirat(boxes_.home().trash_fd(), "grave/lives", 0700), 0);
  SweepLeftovers(boxes_.home());
  EXPECT_THAT(*ListDirectory(boxes_.home().trash_fd()), IsEmpty());
  EXPECT_THAT(Boxes(), testing::UnorderedElementsAre(box.str(), "a-strangers"));
}

}  // namespace
}  // namespace boxlite

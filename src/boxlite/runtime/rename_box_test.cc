#include "boxlite/runtime/rename_box.h"

#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/remove_box.h"
#include "boxlite/runtime/testing.h"

namespace boxlite {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class RenameBoxTest : public testing::Test {
 protected:
  Status Rename(const BoxId& id, const std::string& name) {
    return RenameBox(boxes_.home(), id, boxes_.Open(id).get(), name);
  }
  std::string NameOf(const BoxId& id) {
    const Fd box = boxes_.Open(id);
    return DecodeSpec(*ReadFile(box.get(), kSpecFile, kMaxDocumentBytes))->name;
  }
  std::optional<BoxId> Find(const std::string& name) { return *boxes_.home().FindByName(name); }
  std::vector<std::string> Names() { return *ListDirectory(boxes_.home().names_fd()); }
  // As one who died behind that step leaves it.
  void Link(const std::string& name, const BoxId& id) {
    ASSERT_EQ(::symlinkat(id.str().c_str(), boxes_.home().names_fd(), name.c_str()), 0);
  }

  TestBoxes boxes_;
};

TEST_F(RenameBoxTest, GivesTheNewNameAndFreesTheOld) {
  const BoxId id = boxes_.Make("old");
  ASSERT_THAT(Rename(id, "new"), IsOk());
  EXPECT_EQ(NameOf(id), "new");
  EXPECT_EQ(Find("new"), id);
  EXPECT_EQ(Find("old"), std::nullopt);
  EXPECT_THAT(Names(), ElementsAre("new"));
  const BoxId next = boxes_.Make("old");
  EXPECT_EQ(Find("old"), next);
}

TEST_F(RenameBoxTest, GivesANameToABoxWithoutOne) {
  const BoxId id = boxes_.Make();
  ASSERT_THAT(Rename(id, "new"), IsOk());
  EXPECT_EQ(Find("new"), id);
}

TEST_F(RenameBoxTest, ChangesNothingElseOfTheSpec) {
  BoxSpec spec = TestBoxes::Spec("old");
  spec.env = {"RAW=\xff"};
  spec.labels = {{"a", "b"}};
  ASSERT_THAT(PublishBox(boxes_.home(), spec), IsOk());
  const BoxId id = *BoxId::Parse(spec.id);
  ASSERT_THAT(Rename(id, "new"), IsOk());
  spec.name = "new";
  const Fd box = boxes_.Open(id);
  EXPECT_EQ(*DecodeSpec(*ReadFile(box.get(), kSpecFile, kMaxDocumentBytes)), spec);
}

TEST_F(RenameBoxTest, ToANameThatAnotherHasChangesNothing) {
  const BoxId id = boxes_.Make("old");
  const BoxId owner = boxes_.Make("new");
  Status renamed = Rename(id, "new");
  EXPECT_THAT(renamed, HasCode(ErrorCode::kAlreadyExists));
  EXPECT_THAT(renamed.error().message(), HasSubstr(owner.str()));
  EXPECT_EQ(Find("old"), id);
  EXPECT_EQ(Find("new"), owner);
  EXPECT_EQ(NameOf(id), "old");
}

TEST_F(RenameBoxTest, ToANameThatAnotherHasIsRefusedAlsoWhenTheIndexWasLost) {
  const BoxId id = boxes_.Make("old");
  const BoxId owner = boxes_.Make("new");
  ASSERT_EQ(::unlinkat(boxes_.home().names_fd(), "new", 0), 0);
  EXPECT_THAT(Rename(id, "new"), HasCode(ErrorCode::kAlreadyExists));
  EXPECT_EQ(NameOf(id), "old");
  EXPECT_EQ(NameOf(owner), "new");
}

TEST_F(RenameBoxTest, ToWhatIsNoNameIsRefused) {
  const BoxId id = boxes_.Make("old");
  for (const char* name : {"", "-x", "a/b", "..", "a b"}) {
    EXPECT_THAT(Rename(id, name), HasCode(ErrorCode::kInvalidArgument)) << name;
  }
  EXPECT_EQ(Find("old"), id);
}

TEST_F(RenameBoxTest, ThatDiedBeforeTheSpecLeavesTheOldNameOnly) {
  const BoxId id = boxes_.Make("old");
  Link("new", id);
  EXPECT_EQ(Find("new"), std::nullopt);
  EXPECT_EQ(Find("old"), id);
  const BoxId next = boxes_.Make("new");
  EXPECT_EQ(Find("new"), next) << "the name is free";
}

TEST_F(RenameBoxTest, MendsOneThatDiedBehindTheSpec) {
  const BoxId id = boxes_.Make("new");
  Link("old", id);
  EXPECT_EQ(Find("old"), std::nullopt);
  ASSERT_THAT(Rename(id, "new"), IsOk());
  EXPECT_THAT(Names(), ElementsAre("new"));
}

TEST_F(RenameBoxTest, BackToTheOldNameAfterADeathWorks) {
  const BoxId id = boxes_.Make("new");
  Link("old", id);
  ASSERT_THAT(Rename(id, "old"), IsOk());
  EXPECT_EQ(Find("old"), id);
  EXPECT_THAT(Names(), ElementsAre("old"));
}

TEST_F(RenameBoxTest, ToTheNameThatItHasMakesALostLinkAnew) {
  const BoxId id = boxes_.Make("web");
  ASSERT_EQ(::unlinkat(boxes_.home().names_fd(), "web", 0), 0);
  ASSERT_THAT(Rename(id, "web"), IsOk());
  EXPECT_THAT(Names(), ElementsAre("web"));
}

TEST_F(RenameBoxTest, LeavesToRemoveWhatItLeftBehind) {
  const BoxId id = boxes_.Make("new");
  Link("old", id);
  const BoxId other = boxes_.Make("other");
  ASSERT_THAT(TakeOutBox(boxes_.home(), id), IsOk());
  EXPECT_THAT(Names(), ElementsAre("other"));
}

TEST_F(RenameBoxTest, OfABoxThatWasTakenOutIsNotFound) {
  const BoxId id = boxes_.Make("old");
  const Fd box = boxes_.Open(id);
  ASSERT_THAT(TakeOutBox(boxes_.home(), id), IsOk());
  EXPECT_THAT(RenameBox(boxes_.home(), id, box.get(), "new"), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(Names(), testing::IsEmpty());
}

TEST_F(RenameBoxTest, OfANewerBoxlitesBoxIsRefused) {
  BoxSpec spec = TestBoxes::Spec("old");
  spec.format = kSpecFormat + 1;
  ASSERT_THAT(PublishBox(boxes_.home(), spec), IsOk());
  const BoxId id = *BoxId::Parse(spec.id);
  EXPECT_THAT(Rename(id, "new"), HasCode(ErrorCode::kUnsupported));
  EXPECT_EQ(Find("old"), id);
}

TEST_F(RenameBoxTest, BelievesTheIndexOfABoxThatCannotBeRead) {
  const BoxId id = boxes_.Make("web");
  const Fd box = boxes_.Open(id);
  ASSERT_THAT(WriteFileAtomically(box.get(), kSpecFile, "garbage", Durability::kDurable), IsOk());
  EXPECT_EQ(Find("web"), id);
  EXPECT_THAT(boxes_.home().ClaimName("web", BoxId::Random()), HasCode(ErrorCode::kAlreadyExists));
}

}  // namespace
}  // namespace boxlite

// docker's table for `docker cp`, row by row; both directions share it, since the rules do not ask
// on which side a path is.
#include "boxlite/copy/plan_copy.h"

#include <map>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using Kind = PathFacts::Kind;

struct Row {
  const char* source;
  Kind source_kind;
  const char* destination;
  Kind destination_kind;
  // Expected; code: an error.
  const char* directory;
  const char* root_name;
  bool contents_only;
  std::optional<ErrorCode> code;
};

constexpr auto kNo = std::nullopt;
const Row kRows[] = {
    // SRC is a file.
    {"f", Kind::kFile, "/new", Kind::kAbsent, "/", "new", false, kNo},
    {"f", Kind::kFile, "new", Kind::kAbsent, ".", "new", false, kNo},
    {"f", Kind::kFile, "a/b/new", Kind::kAbsent, "a/b", "new", false, kNo},
    {"f", Kind::kFile, "new/", Kind::kAbsent, "", "", false, ErrorCode::kNotFound},
    {"f", Kind::kFile, "new/.", Kind::kAbsent, "", "", false, ErrorCode::kNotFound},
    {"f", Kind::kFile, "/old", Kind::kFile, "/", "old", false, kNo},
    {"a/f", Kind::kFile, "b/old", Kind::kFile, "b", "old", false, kNo},
    {"f", Kind::kFile, "old/", Kind::kFile, "", "", false, ErrorCode::kConflict},
    {"f", Kind::kFile, "/dir", Kind::kDirectory, "/dir", "f", false, kNo},
    {"a/f", Kind::kFile, "dir/", Kind::kDirectory, "dir/", "f", false, kNo},
    {"f", Kind::kFile, "/", Kind::kDirectory, "/", "f", false, kNo},
    {"f", Kind::kFile, ".", Kind::kDirectory, ".", "f", false, kNo},
    {"f", Kind::kFile, "..", Kind::kDirectory, "..", "f", false, kNo},
    {"f", Kind::kFile, "/dev/null", Kind::kOther, "", "", false, ErrorCode::kUnsupported},
    {"f/", Kind::kFile, "/dir", Kind::kDirectory, "", "", false, ErrorCode::kConflict},
    {"f/.", Kind::kFile, "/dir", Kind::kDirectory, "", "", false, ErrorCode::kConflict},
    // SRC is a directory.
    {"d", Kind::kDirectory, "/new", Kind::kAbsent, "/", "new", false, kNo},
    {"d", Kind::kDirectory, "/new/", Kind::kAbsent, "/", "new", false, kNo},
    {"d", Kind::kDirectory, "a/new//", Kind::kAbsent, "a", "new", false, kNo},
    {"d/.", Kind::kDirectory, "/new", Kind::kAbsent, "/", "new", false, kNo},
    {"d", Kind::kDirectory, "new/.", Kind::kAbsent, "", "", false, ErrorCode::kNotFound},
    {"d", Kind::kDirectory, "/old", Kind::kFile, "", "", false, ErrorCode::kConflict},
    {"d/.", Kind::kDirectory, "/old", Kind::kFile, "", "", false, ErrorCode::kConflict},
    {"d", Kind::kDirectory, "/dir", Kind::kDirectory, "/dir", "d", false, kNo},
    {"d/", Kind::kDirectory, "/dir", Kind::kDirectory, "/dir", "d", false, kNo},
    {"a/d//", Kind::kDirectory, "/dir/", Kind::kDirectory, "/dir/", "d", false, kNo},
    {"d/.", Kind::kDirectory, "/dir", Kind::kDirectory, "/dir", "", true, kNo},
    {"d/./", Kind::kDirectory, "/dir", Kind::kDirectory, "/dir", "", true, kNo},
    {".", Kind::kDirectory, "/dir", Kind::kDirectory, "/dir", "", true, kNo},
    {"..", Kind::kDirectory, "/dir", Kind::kDirectory, "/dir", "", true, kNo},
    {"/", Kind::kDirectory, "/dir", Kind::kDirectory, "/dir", "", true, kNo},
    {"/", Kind::kDirectory, "new", Kind::kAbsent, ".", "new", false, kNo},
    {"d", Kind::kDirectory, "/dev/null", Kind::kOther, "", "", false, ErrorCode::kUnsupported},
    // SRC is a symbolic link that is not followed: it is copied like a file.
    {"l", Kind::kSymlink, "/new", Kind::kAbsent, "/", "new", false, kNo},
    {"l", Kind::kSymlink, "/dir", Kind::kDirectory, "/dir", "l", false, kNo},
    {"l", Kind::kSymlink, "/old", Kind::kFile, "/", "old", false, kNo},
    {"l", Kind::kSymlink, "/new/", Kind::kAbsent, "", "", false, ErrorCode::kNotFound},
    // SRC is nothing to copy.
    {"none", Kind::kAbsent, "/dir", Kind::kDirectory, "", "", false, ErrorCode::kNotFound},
    {"none", Kind::kAbsent, "/new", Kind::kAbsent, "", "", false, ErrorCode::kNotFound},
    {"pipe", Kind::kOther, "/dir", Kind::kDirectory, "", "", false, ErrorCode::kUnsupported},
};

TEST(PlanCopy, FollowsDockersTable) {
  for (const Row& row : kRows) {
    const std::string shown = std::string(row.source) + " -> " + row.destination + " (" +
                              std::to_string(static_cast<int>(row.destination_kind)) + ")";
    PathFacts source;
    source.kind = row.source_kind;
    PathFacts destination;
    destination.kind = row.destination_kind;
    Result<CopyPlan> plan = PlanCopy(row.source, source, row.destination, destination);
    if (row.code) {
      EXPECT_THAT(plan, HasCode(*row.code)) << shown;
      continue;
    }
    ASSERT_THAT(plan, IsOk()) << shown;
    EXPECT_EQ(plan->source, row.source) << shown;
    EXPECT_EQ(plan->directory, row.directory) << shown;
    EXPECT_EQ(plan->root_name, row.root_name) << shown;
    EXPECT_EQ(plan->contents_only, row.contents_only) << shown;
    EXPECT_EQ(plan->one_file, row.source_kind != Kind::kDirectory) << shown;
  }
}

TEST(PlanCopy, AStreamGoesIntoAnExistingDirectoryOnly) {
  PathFacts facts;
  facts.kind = Kind::kDirectory;
  Result<CopyPlan> plan = PlanUnpackStream("/dir", facts);
  ASSERT_THAT(plan, IsOk());
  EXPECT_EQ(plan->directory, "/dir");
  EXPECT_EQ(plan->root_name, "");
  facts.kind = Kind::kFile;
  EXPECT_THAT(PlanUnpackStream("/f", facts), HasCode(ErrorCode::kConflict));
  facts.kind = Kind::kAbsent;
  EXPECT_THAT(PlanUnpackStream("/none", facts), HasCode(ErrorCode::kNotFound));
}

TEST(PlanCopy, AStreamComesOfAnySource) {
  PathFacts facts;
  facts.kind = Kind::kDirectory;
  EXPECT_EQ(PlanPackStream("/a/d/", facts)->root_name, "d");
  EXPECT_TRUE(PlanPackStream("/a/d/.", facts)->contents_only);
  facts.kind = Kind::kFile;
  EXPECT_EQ(PlanPackStream("/a/f", facts)->root_name, "f");
  facts.kind = Kind::kAbsent;
  EXPECT_THAT(PlanPackStream("/a/f", facts), HasCode(ErrorCode::kNotFound));
}

TEST(ResolveDestination, FollowsLinksToWhatIsNotThereYet) {
  std::map<std::string, PathFacts> world;
  world["/l"] = {.kind = Kind::kSymlink, .link_target = "d/m"};
  world["/d/m"] = {.kind = Kind::kSymlink, .link_target = "../x"};
  world["up"] = {.kind = Kind::kSymlink, .link_target = "/abs"};
  world["/abs"] = {.kind = Kind::kFile};
  world["here"] = {.kind = Kind::kSymlink, .link_target = "there"};
  world["loop"] = {.kind = Kind::kSymlink, .link_target = "./loop"};
  const auto look = [&](std::string path) -> Result<PathFacts> {
    while (path.starts_with("./")) path.erase(0, 2);
    return world[path];
  };
  EXPECT_EQ(ResolveDestination("/l", look)->path, "/d/../x");
  EXPECT_EQ(ResolveDestination("/l", look)->facts.kind, Kind::kAbsent);
  EXPECT_EQ(ResolveDestination("up", look)->path, "/abs");
  EXPECT_EQ(ResolveDestination("up", look)->facts.kind, Kind::kFile);
  EXPECT_EQ(ResolveDestination("here", look)->path, "./there");
  EXPECT_EQ(ResolveDestination("plain", look)->path, "plain");
  EXPECT_THAT(ResolveDestination("loop", look), HasCode(ErrorCode::kConflict));
}

}  // namespace
}  // namespace boxlite

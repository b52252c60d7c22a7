#include "boxlite/copy/unpack.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/copy/testing.h"

namespace boxlite {
namespace {

// `inside` is the destination; `outside` is beside it and must stay as it is.
class UnpackTest : public ::testing::Test {
 protected:
  UnpackTest() {
    EXPECT_EQ(::mkdir(inside.c_str(), 0755), 0);
    EXPECT_EQ(::mkdir(outside.c_str(), 0755), 0);
    Spill(outside + "/secret", "untouched", 0600);
  }
  ~UnpackTest() override {
    EXPECT_EQ(Slurp(outside + "/secret"), "untouched");
    EXPECT_EQ(ModeOf(outside + "/secret"), 0600u);
    Result<Fd> fd = OpenDirectoryPath(outside);
    EXPECT_EQ(ListDirectory(fd->get())->size(), 1u) << "something was written outside";
    fd = OpenDirectoryPath(directory_.path());
    EXPECT_EQ(ListDirectory(fd->get())->size(), 2u) << "something was written outside";
  }
  UnpackOptions Options(std::string root_name = "") {
    UnpackOptions options;
    options.directory = inside;
    options.root_name = std::move(root_name);
    return options;
  }
  Status Into(const TarText& text) { return Unpack(Options(), text.Bytes()); }
  std::string In(const std::string& name) const { return inside + "/" + name; }

  TestDirectory directory_;
  const std::string inside = directory_.Path("inside");
  const std::string outside = directory_.Path("outside");
};

TEST_F(UnpackTest, RestoresATreeWithModesAndTimes) {
  TarEntry file;
  file.name = "d/ro/f\xff\n";
  file.mode = 0640;
  file.mtime_s = 1'000'000'000;
  TarText text;
  text.Directory("d", 0750).Directory("d/ro", 0555).Add(file, "content").Symlink("d/l", "ro/f");
  ASSERT_THAT(Into(text), IsOk());
  EXPECT_EQ(Slurp(In("d/ro/f\xff\n")), "content");
  EXPECT_EQ(ModeOf(In("d/ro/f\xff\n")), 0640u);
  EXPECT_EQ(ModeOf(In("d/ro")), 0555u);
  EXPECT_EQ(ModeOf(In("d")), 0750u);
  EXPECT_EQ(TargetOf(In("d/l")), "ro/f");
  struct stat info = {};
  ASSERT_EQ(::stat(In("d/ro/f\xff\n").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 1'000'000'000);
  ASSERT_EQ(::stat(In("d").c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, 0) << "set after the members were made";
}

TEST_F(UnpackTest, RefusesNamesThatLeaveTheDirectory) {
  for (const char* name : {"../outside/secret", "a/../../outside/secret", "/tmp/x", "..", "a/.."}) {
    EXPECT_THAT(Into(TarText().File(name)), HasCode(ErrorCode::kPermissionDenied)) << name;
    EXPECT_THAT(Into(TarText().Directory(name, 0777)), HasCode(ErrorCode::kPermissionDenied));
    EXPECT_THAT(Into(TarText().Symlink(name, "x")), HasCode(ErrorCode::kPermissionDenied));
    EXPECT_THAT(Into(TarText().HardLink("h", name)), HasCode(ErrorCode::kPermissionDenied));
  }
}

TEST_F(UnpackTest, WritesThroughNoLinkOfTheStreams) {
  EXPECT_THAT(Into(TarText().Symlink("x", "../outside").File("x/new")),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Into(TarText().Symlink("y", outside).File("y/secret")),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Into(TarText().Directory("d").Symlink("d/z", "../../outside").File("d/z/a/b")),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Into(TarText().Symlink("v", "../outside").Directory("v", 0777)),
              HasCode(ErrorCode::kConflict));
}

TEST_F(UnpackTest, WritesThroughNoLinkThatStoodThere) {
  ASSERT_EQ(::symlink("../outside", In("old").c_str()), 0);
  EXPECT_THAT(Into(TarText().File("old/new")), HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Into(TarText().File("old/more/new")), HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Into(TarText().Directory("old", 0777)), HasCode(ErrorCode::kConflict));
}

TEST_F(UnpackTest, ReplacesALinkInsteadOfWritingThroughIt) {
  ASSERT_EQ(::symlink("../outside/secret", In("l").c_str()), 0);
  ASSERT_THAT(Into(TarText().File("l", "new")), IsOk());
  EXPECT_EQ(Slurp(In("l")), "new");
  EXPECT_EQ(TargetOf(In("l")), "(none)");
  ASSERT_THAT(Into(TarText().Symlink("m", outside + "/secret").File("m", "new")), IsOk());
  EXPECT_EQ(Slurp(In("m")), "new");
}

TEST_F(UnpackTest, MakesHardLinksOnlyToWhatIsBelow) {
  ASSERT_THAT(Into(TarText().File("a", "one").HardLink("b", "a").HardLink("b", "a")), IsOk());
  EXPECT_EQ(Slurp(In("b")), "one");
  struct stat info = {};
  ASSERT_EQ(::stat(In("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_nlink, 2u) << "no temporary name was left";
  EXPECT_THAT(Into(TarText().Symlink("x", "../outside").HardLink("h", "x/secret")),
              HasCode(ErrorCode::kPermissionDenied));
  // A link to the link itself, then a file of that name: the link is replaced, nothing behind it.
  ASSERT_THAT(Into(TarText().Symlink("s", "../outside/secret").HardLink("t", "s").File("t", "new")),
              IsOk());
  EXPECT_THAT(Into(TarText().HardLink("h", "nothing")), HasCode(ErrorCode::kNotFound));
}

TEST_F(UnpackTest, TakesOnlyWhatWasAskedFor) {
  const auto ask = [&](const TarText& text) { return Unpack(Options("want"), text.Bytes()); };
  EXPECT_THAT(ask(TarText().File(".bashrc", "evil")), HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(ask(TarText().Directory("want").File("wanted")),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(ask(TarText().Directory("want").HardLink("want/h", "other")),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(ask(TarText()), HasCode(ErrorCode::kCorrupt));
  EXPECT_FALSE(Exists(In(".bashrc")));
  ASSERT_THAT(ask(TarText().Directory("want").File("want/f")), IsOk());

  UnpackOptions one = Options("f");
  one.one_file = true;
  EXPECT_THAT(Unpack(one, TarText().File("f").File("f").Bytes()),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Unpack(one, TarText().Directory("f").Bytes()), HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Unpack(one, TarText().HardLink("f", "f").Bytes()),
              HasCode(ErrorCode::kPermissionDenied));
  ASSERT_THAT(Unpack(one, TarText().File("f", "last").Bytes()), IsOk());
  EXPECT_EQ(Slurp(In("f")), "last");
}

TEST_F(UnpackTest, MakesNoDevicesAndCountsThem) {
  Result<std::unique_ptr<Unpacker>> unpacker = Unpacker::Open(Options());
  ASSERT_THAT(unpacker, IsOk());
  const std::string stream = TarText()
                                 .Of(TarEntry::Kind::kBlockDevice, "b")
                                 .Of(TarEntry::Kind::kCharacterDevice, "c")
                                 .Of(TarEntry::Kind::kFifo, "p")
                                 .File("f")
                                 .Bytes();
  ASSERT_THAT((*unpacker)->Feed(stream), IsOk());
  ASSERT_THAT((*unpacker)->Finish(), IsOk());
  EXPECT_EQ((*unpacker)->skipped(), 3u);
  EXPECT_FALSE(Exists(In("b")) || Exists(In("c")) || Exists(In("p")));
  UnpackOptions options = Options();
  options.make_fifos = true;
  ASSERT_THAT(Unpack(options, TarText().Of(TarEntry::Kind::kFifo, "p", "", 0622).Bytes()), IsOk());
  EXPECT_EQ(ModeOf(In("p")), 0622u);
}

TEST_F(UnpackTest, DropsSpecialBitsUnlessTheyAreKept) {
  ASSERT_THAT(Into(TarText().File("s", "x", 06755).Directory("d", 03777)), IsOk());
  EXPECT_EQ(ModeOf(In("s")), 0755u);
  EXPECT_EQ(ModeOf(In("d")), 0777u);
  UnpackOptions options = Options();
  options.keep_special_bits = true;
  ASSERT_THAT(Unpack(options, TarText().File("s", "x", 06755).Bytes()), IsOk());
  EXPECT_EQ(ModeOf(In("s")), 06755u);
}

TEST_F(UnpackTest, GivesOwnersAsTold) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  UnpackOptions options = Options();
  options.owner = Owner{1234, 5678};
  options.keep_special_bits = true;
  ASSERT_THAT(Unpack(options, TarText().Symlink("l", "x").File("a/b", "x", 04755).Bytes()), IsOk());
  for (const char* name : {"l", "a", "a/b"}) {
    struct stat info = {};
    ASSERT_EQ(::lstat(In(name).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 1234u) << name;
    EXPECT_EQ(info.st_gid, 5678u) << name;
  }
  EXPECT_EQ(ModeOf(In("a/b")), 04755u) << "a change of owner clears it";
}

TEST_F(UnpackTest, AddsToADirectoryThatIsThereAndLeavesItsMode) {
  ASSERT_EQ(::mkdir(In("d").c_str(), 0711), 0);
  Spill(In("d/old"), "old");
  ASSERT_THAT(Into(TarText().Directory("./").Directory("d", 0777).File("d/new", "new")), IsOk());
  EXPECT_EQ(ModeOf(In("d")), 0711u);
  EXPECT_EQ(Slurp(In("d/old")), "old");
  EXPECT_EQ(Slurp(In("d/new")), "new");
}

TEST_F(UnpackTest, MixesNoDirectoryWithAFile) {
  ASSERT_EQ(::mkdir(In("d").c_str(), 0755), 0);
  Spill(In("f"), "kept");
  EXPECT_THAT(Into(TarText().File("d")), HasCode(ErrorCode::kConflict));
  EXPECT_THAT(Into(TarText().Symlink("d", "x")), HasCode(ErrorCode::kConflict));
  EXPECT_THAT(Into(TarText().Directory("f")), HasCode(ErrorCode::kConflict));
  EXPECT_THAT(Into(TarText().File("f/below")), HasCode(ErrorCode::kConflict));
  EXPECT_EQ(Slurp(In("f")), "kept");
}

TEST_F(UnpackTest, LeavesNoHalfFileOfACutStream) {
  Spill(In("f"), "old");
  const std::string whole =
      TarText().Directory("d", 0500).File("f", std::string(9000, 'n')).Bytes();
  EXPECT_THAT(Unpack(Options(), whole.substr(0, 6000)), HasCode(ErrorCode::kCorrupt));
  EXPECT_EQ(Slurp(In("f")), "old");
  EXPECT_EQ(ModeOf(In("d")), 0500u);
  Result<Fd> fd = OpenDirectoryPath(inside);
  EXPECT_EQ(ListDirectory(fd->get())->size(), 2u) << "no temporary file";
}

TEST_F(UnpackTest, RunsOfZerosBecomeHoles) {
  std::string content(300'000, '\0');
  content.replace(100'000, 5, "hello");
  ASSERT_THAT(Into(TarText().File("f", content).File("z", std::string(8192, '\0'))), IsOk());
  EXPECT_EQ(Slurp(In("f")), content);
  EXPECT_EQ(Slurp(In("z")), std::string(8192, '\0'));
  struct stat info = {};
  ASSERT_EQ(::stat(In("f").c_str(), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 100'000);
}

TEST_F(UnpackTest, AFileBeyondTheLimitIsAnErrorThatNamesIt) {
  // The kernel's own limit of a file's size, in place of a full disk.
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {10'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status = Into(TarText().File("a").File("big", std::string(20'000, 'x')));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_DFL);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message().find(In("big")), std::string::npos)
      << status.error().message();
  EXPECT_TRUE(Exists(In("a"))) << "what was whole stays";
  EXPECT_FALSE(Exists(In("big")));
}

TEST_F(UnpackTest, NeedsItsDirectory) {
  UnpackOptions options;
  options.directory = In("missing");
  EXPECT_THAT(Unpack(options, ""), HasCode(ErrorCode::kNotFound));
  Spill(In("f"), "x");
  options.directory = In("f");
  EXPECT_THAT(Unpack(options, ""), HasCode(ErrorCode::kConflict));
}

}  // namespace
}  // namespace boxlite

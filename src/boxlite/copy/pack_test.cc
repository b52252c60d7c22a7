#include "boxlite/copy/pack.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "boxlite/base/spawn.h"
#include "boxlite/copy/testing.h"

namespace boxlite {
namespace {

class PackTest : public ::testing::Test {
 protected:
  PackTest() {
    for (const std::string& path : {source, source + "/sub", destination}) {
      EXPECT_EQ(::mkdir(path.c_str(), 0755), 0);
    }
    Spill(source + "/a", "one");
    Spill(source + "/sub/b\xff", std::string(100'000, 'b'), 0751);
    EXPECT_EQ(::symlink("sub/b", (source + "/l").c_str()), 0);
    EXPECT_EQ(::link((source + "/a").c_str(), (source + "/sub/a2").c_str()), 0);
  }
  Status Copy(PackOptions options, std::size_t step = 7777) {
    BOXLITE_ASSIGN_OR_RETURN(const std::string stream, Pack(std::move(options), step));
    UnpackOptions unpack;
    unpack.directory = destination;
    return Unpack(unpack, stream);
  }
  TestDirectory directory_;
  const std::string source = directory_.Path("source");
  const std::string destination = directory_.Path("destination");
};

TEST_F(PackTest, ATreeComesOutAsItWentIn) {
  for (const std::size_t step : {513ul, 262'144ul}) {
    ASSERT_THAT(Copy({.path = source, .root_name = "copy"}, step), IsOk());
    const std::string copy = destination + "/copy";
    EXPECT_EQ(Slurp(copy + "/a"), "one");
    EXPECT_EQ(Slurp(copy + "/sub/b\xff"), std::string(100'000, 'b'));
    EXPECT_EQ(ModeOf(copy + "/sub/b\xff"), 0751u);
    EXPECT_EQ(TargetOf(copy + "/l"), "sub/b");
    struct stat one = {};
    struct stat two = {};
    ASSERT_EQ(::stat((copy + "/a").c_str(), &one), 0);
    ASSERT_EQ(::stat((copy + "/sub/a2").c_str(), &two), 0);
    EXPECT_EQ(one.st_ino, two.st_ino) << "hard links stay";
  }
}

TEST_F(PackTest, ContentsOnlyHaveNoDirectoryAroundThem) {
  ASSERT_THAT(Copy({.path = source + "/.", .root_name = "", .contents_only = true}), IsOk());
  EXPECT_EQ(Slurp(destination + "/a"), "one");
  EXPECT_TRUE(Exists(destination + "/sub"));
}

TEST_F(PackTest, ALinkIsCopiedAsALinkUnlessItIsFollowed) {
  ASSERT_EQ(::symlink("a", (source + "/to-a").c_str()), 0);
  ASSERT_THAT(Copy({.path = source + "/to-a", .root_name = "link"}), IsOk());
  EXPECT_EQ(TargetOf(destination + "/link"), "a");
  ASSERT_THAT(Copy({.path = source + "/to-a", .root_name = "file", .follow_link = true}), IsOk());
  EXPECT_EQ(Slurp(destination + "/file"), "one");
  EXPECT_THAT(Copy({.path = source + "/l", .root_name = "x", .follow_link = true}),
              HasCode(ErrorCode::kNotFound));
}

TEST_F(PackTest, GnuTarReadsTheStream) {
  Result<std::string> stream =
      Pack({.path = source, .root_name = std::string(120, 'r') + "/\xc3\xa9"});
  ASSERT_THAT(stream, IsOk());
  Spill(directory_.Path("s.tar"), *stream);
  Result<std::string> seen = RunProgram({"/bin/tar", "-tf", directory_.Path("s.tar")});
  ASSERT_THAT(seen, IsOk());
  EXPECT_NE(seen->find(std::string(120, 'r') + "/\\303\\251/sub/a2"), std::string::npos) << *seen;
}

TEST_F(PackTest, LeavesOutSocketsAndSaysSo) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = source + "/socket";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  Result<std::unique_ptr<Packer>> packer = Packer::Open({.path = source, .root_name = "r"});
  ASSERT_THAT(packer, IsOk());
  std::string buffer(1 << 20, '\0');
  ASSERT_THAT((*packer)->Read(buffer.data(), buffer.size()), IsOk());
  EXPECT_EQ((*packer)->skipped(), 1u);
}

TEST_F(PackTest, AFileThatShrinksEndsTheStream) {
  Result<std::unique_ptr<Packer>> packer =
      Packer::Open({.path = source + "/sub/b\xff", .root_name = "r"});
  ASSERT_THAT(packer, IsOk());
  std::string buffer(1 << 20, '\0');
  ASSERT_THAT((*packer)->Read(buffer.data(), 5000), IsOk());
  ASSERT_EQ(::truncate((source + "/sub/b\xff").c_str(), 10), 0);
  EXPECT_THAT((*packer)->Read(buffer.data(), buffer.size()), HasCode(ErrorCode::kConflict));
}

TEST_F(PackTest, AFileThatVanishesIsLeftOut) {
  Result<std::unique_ptr<Packer>> packer = Packer::Open({.path = source, .root_name = "r"});
  ASSERT_THAT(packer, IsOk());
  std::string stream(1 << 20, '\0');
  ASSERT_THAT((*packer)->Read(stream.data(), 512), IsOk());
  ASSERT_EQ(::unlink((source + "/l").c_str()), 0);
  ASSERT_THAT(RemoveTree(AT_FDCWD, source + "/sub"), IsOk());
  Result<std::size_t> rest = (*packer)->Read(stream.data() + 512, stream.size() - 512);
  ASSERT_THAT(rest, IsOk());
  stream.resize(512 + *rest);
  UnpackOptions options;
  options.directory = destination;
  ASSERT_THAT(Unpack(options, stream), IsOk());
  EXPECT_EQ(Slurp(destination + "/r/a"), "one");
}

TEST_F(PackTest, RefusesTheKernelsOwnFilesAndDevices) {
  EXPECT_THAT(Copy({.path = "/proc/version", .root_name = "r"}), HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(Copy({.path = "/proc", .root_name = "r"}), HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(Copy({.path = "/dev/zero", .root_name = "r"}), HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(Copy({.path = source + "/none", .root_name = "r"}), HasCode(ErrorCode::kNotFound));
}

TEST_F(PackTest, ATreeAsDeepAsPathsMayBe) {
  std::string path = source;
  for (int i = 0; i < 300; ++i) {
    path += "/d";
    ASSERT_EQ(::mkdir(path.c_str(), 0755), 0) << i;
  }
  ASSERT_THAT(Copy({.path = source, .root_name = "deep"}), IsOk());
  EXPECT_TRUE(Exists(destination + "/deep" + path.substr(source.size())));
}

}  // namespace
}  // namespace boxlite

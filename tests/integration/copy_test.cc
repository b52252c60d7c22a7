// cp with real machines: both ways, any bytes and sizes, and what a hostile guest, a full disk or a
// killed client must not cause.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "boxlite/base/files.h"
#include "boxlite/base/spawn.h"
#include "integration/cli_runner.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;
constexpr char kImage[] = "boxlite/base";

class Copy : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
    fs::create_directories(Host(""));
  }
  // A path of the test's own on the host.
  std::string Host(const std::string& name) const { return home() + "/../files/" + name; }
  void Write(const std::string& name, const std::string& content) {
    std::ofstream(Host(name), std::ios::binary) << content;
  }
  std::string Read(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(Host(name), std::ios::binary).rdbuf();
    return text.str();
  }
  std::string InBox(const std::string& script) { return Ok({"exec", "a", "sh", "-c", script}); }
  std::string Sum(const std::string& path) {
    Result<std::string> sum = RunProgram({"/usr/bin/md5sum", path});
    EXPECT_TRUE(sum.ok()) << path;
    return sum.ok() ? sum->substr(0, 32) : "";
  }
  // The error, which must be one line, of a call that must fail.
  std::string Fails(std::vector<std::string> args) {
    const CliResult result = Run(std::move(args));
    EXPECT_EQ(result.code, 1) << result.err;
    return result.err;
  }
  // Peak resident memory so far, in KiB.
  long PeakOf(const std::string& status) {
    const std::size_t at = status.find("VmHWM:");
    return at == std::string::npos ? -1 : std::stol(status.substr(at + 6));
  }
  // Of pack and unpack: they are the agent's program, cloned.
  void ExpectNoCopyingProcess() {
    // Killed is not yet gone: the kernel tells when by an empty list, which is looked at anew.
    EXPECT_EQ(InBox("i=0; while ps -o comm | grep -q boxlite-guest && [ $i -lt 100 ]; do "
                    "usleep 50000; i=$((i+1)); done; ps -o comm | grep -c boxlite-guest; true"),
              "0");
  }
};

TEST_F(Copy, FilesAndDirectoriesGoBothWays) {
  fs::create_directories(Host("src/sub"));
  Write("src/f", "one\n");
  Write("src/sub/\xff\x80 \n'", "odd");
  fs::create_symlink("sub/none", Host("src/l"));
  fs::permissions(Host("src/f"), fs::perms(0751));
  Ok({"cp", Host("src"), "a:/srv"});
  EXPECT_EQ(InBox("cat /srv/f; readlink /srv/l; stat -c '%a' /srv/f; cat /srv/sub/*"),
            "one\nsub/none\n751\nodd");
  Ok({"cp", Host("src"), "a:/srv"});
  EXPECT_EQ(InBox("cat /srv/src/f"), "one") << "an existing directory takes it in";
  Ok({"cp", Host("src/."), "a:/srv/sub"});
  EXPECT_EQ(InBox("cat /srv/sub/f"), "one") << "only the contents";
  Ok({"cp", "a:/srv/src", Host("back")});
  Result<std::string> same =
      RunProgram({"/usr/bin/diff", "-r", "--no-dereference", Host("src"), Host("back")});
  EXPECT_TRUE(same.ok()) << same.error().message();
  Ok({"cp", "a:srv/f", Host("plain")});
  EXPECT_EQ(Read("plain"), "one\n");
  struct stat info = {};
  ASSERT_EQ(::stat(Host("plain").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0751u);
  EXPECT_EQ(info.st_uid, ::getuid());
}

TEST_F(Copy, SaysWhatCannotBeCopiedAndWhere) {
  Write("f", "x");
  EXPECT_NE(Fails({"cp", Host("f"), "a:/none/"}).find("/none/ in the box does not exist"),
            std::string::npos);
  EXPECT_NE(Fails({"cp", Host("f"), "a:/none/f"}).find("in the box: the directory /none"),
            std::string::npos);
  EXPECT_NE(Fails({"cp", "a:/none", Host("")}).find("/none in the box does not exist"),
            std::string::npos);
  Fails({"cp", Host(""), "a:/etc/passwd"});
  Fails({"cp", "a:/etc", Host("f")});
  Fails({"cp", "a:/proc/version", Host("v")});
  Fails({"cp", "a:/dev/zero", Host("z")});
  EXPECT_FALSE(fs::exists(Host("v")) || fs::exists(Host("z")));
  EXPECT_EQ(Run({"cp", "a:/etc", "b:/etc"}).code, 2);
  EXPECT_EQ(Run({"cp", "x", "y"}).code, 2);
}

TEST_F(Copy, WhatIsMadeBelongsToTheBoxesUserUnlessOwnersAreKept) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  Ok({"run", "-d", "--name", "u", "-u", "box", kImage, "sleep", "1000"});
  Write("f", "x");
  ASSERT_EQ(::chown(Host("f").c_str(), 1234, 5678), 0);
  fs::create_directories(Host("d"));
  Ok({"cp", Host("f"), "u:/f"});
  Ok({"cp", Host("d"), "u:/d"});
  Ok({"cp", "-a", Host("f"), "u:/kept"});
  EXPECT_EQ(Ok({"exec", "u", "stat", "-c", "%U:%G", "/f", "/d"}), "box:box\nbox:box");
  EXPECT_EQ(Ok({"exec", "u", "stat", "-c", "%u:%g", "/kept"}), "1234:5678");
  Ok({"cp", "u:/f", Host("out")});
  Ok({"cp", "-a", "u:/kept", Host("out-kept")});
  struct stat info = {};
  ASSERT_EQ(::stat(Host("out").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, ::getuid());
  ASSERT_EQ(::stat(Host("out-kept").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 1234u);
  EXPECT_EQ(info.st_gid, 5678u);
}

TEST_F(Copy, LinksAreCopiedUnlessFollowedAndFollowedAsDestinations) {
  InBox("echo target > /t; ln -s t /l; mkdir /d; ln -s d /dl; ln -s new /dangling");
  Ok({"cp", "a:/l", Host("link")});
  EXPECT_EQ(fs::read_symlink(Host("link")), "t");
  Ok({"cp", "-L", "a:/l", Host("file")});
  EXPECT_EQ(Read("file"), "target\n");
  Write("f", "new\n");
  Ok({"cp", Host("f"), "a:/l"});
  EXPECT_EQ(InBox("cat /t; readlink /l"), "new\nt") << "the file behind the link";
  Ok({"cp", Host("f"), "a:/dl"});
  EXPECT_EQ(InBox("cat /d/f"), "new");
  Ok({"cp", Host("f"), "a:/dangling"});
  EXPECT_EQ(InBox("cat /new; readlink /dangling"), "new\nnew");
}

TEST_F(Copy, GoesIntoAndOutOfMounts) {
  Write("f", "in a mount\n");
  Ok({"cp", Host("f"), "a:/dev/shm/f"});
  EXPECT_EQ(InBox("cat /dev/shm/f"), "in a mount");
  Ok({"cp", "a:/dev/shm/f", Host("back")});
  EXPECT_EQ(Read("back"), "in a mount\n");
  // A file that is a mount itself cannot be replaced: it is written in place.
  Write("hosts", "127.0.0.1 changed\n");
  Ok({"cp", Host("hosts"), "a:/etc/hosts"});
  EXPECT_EQ(InBox("cat /etc/hosts"), "127.0.0.1 changed");
  // The kernel's filesystems are left out of a tree, and that is said.
  const CliResult all = Run({"cp", "a:/", Host("root")});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_NE(all.err.find("special files left out"), std::string::npos) << all.err;
  EXPECT_TRUE(fs::is_empty(Host("root/proc")));
  EXPECT_FALSE(fs::exists(Host("root/dev/null")));
}

TEST_F(Copy, StreamsTarBothWays) {
  fs::create_directories(Host("t/d"));
  Write("t/d/f", "content\n");
  Result<std::string> tar = RunProgram({"/bin/tar", "-cf", Host("t.tar"), "-C", Host("t"), "."});
  ASSERT_TRUE(tar.ok());
  InBox("mkdir /mnt");
  Ok({"cp", "-", "a:/mnt"}, Read("t.tar"));
  EXPECT_EQ(InBox("cat /mnt/d/f"), "content");
  std::ofstream(Host("out.tar"), std::ios::binary) << Run({"cp", "a:/mnt/d", "-"}).out;
  Result<std::string> names = RunProgram({"/bin/tar", "-tf", Host("out.tar")});
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, "d/\nd/f\n");
  const CliResult cut = Run({"cp", "-", "a:/mnt"}, Read("t.tar").substr(0, 1100));
  EXPECT_EQ(cut.code, 1);
  EXPECT_NE(cut.err.find("cut"), std::string::npos) << cut.err;
  EXPECT_EQ(Run({"cp", "-", "a:/etc/passwd"}, "x").code, 1);
}

TEST_F(Copy, TwoThousandFilesGoBothWays) {
  fs::create_directories(Host("many"));
  for (int i = 0; i < 2000; ++i) Write("many/f" + std::to_string(i), std::to_string(i));
  Ok({"cp", Host("many"), "a:/srv"});
  EXPECT_EQ(InBox("ls /srv | wc -l; cat /srv/f1999"), "2000\n1999");
  Ok({"cp", "a:/srv", Host("back")});
  EXPECT_TRUE(RunProgram({"/usr/bin/diff", "-r", Host("many"), Host("back")}).ok());
}

TEST_F(Copy, ALargeFileStreamsWithBoundedMemory) {
  constexpr char kMegabytes[] = "300";
  ASSERT_TRUE(RunProgram({"/bin/dd", "if=/dev/urandom", "of=" + Host("big"), "bs=1M",
                          std::string("count=") + kMegabytes, "status=none"})
                  .ok());
  Ok({"cp", Host("big"), "a:/big"});
  const std::string sum = Sum(Host("big"));
  EXPECT_EQ(InBox("md5sum /big | cut -c 1-32"), sum);
  Ok({"cp", "a:/big", Host("back")});
  EXPECT_EQ(Sum(Host("back")), sum);
  const std::string shim = Inspect("a", "{{.Evidence.ShimPid}}");
  std::stringstream status;
  status << std::ifstream("/proc/" + shim + "/status").rdbuf();
  EXPECT_LT(PeakOf(status.str()), 48 * 1024) << "the shim's peak in KiB";
  EXPECT_GT(PeakOf(status.str()), 0);
  fs::remove(Host("big"));
  fs::remove(Host("back"));
}

TEST_F(Copy, AKilledClientLeavesNoProcessAndNoHalfFile) {
  InBox("head -c 400000000 /dev/zero > /big");
  Write("f", "");
  ASSERT_EQ(::truncate(Host("f").c_str(), 20'000'000'000), 0);
  RunningCli in = Launch({"cp", Host("f"), "a:/half"});
  RunningCli out = Launch({"cp", "a:/big", Host("half")});
  // Both are under way once their processes are in the box.
  InBox(
      "while [ $(ls -d /sys/fs/cgroup/copy-* 2>/dev/null | wc -l) -lt 2 ]; do usleep 20000; done");
  in.Signal(SIGKILL);
  out.Signal(SIGKILL);
  in.Finish();
  out.Finish();
  ExpectNoCopyingProcess();
  EXPECT_EQ(InBox("ls / | grep -c half; true"), "0");
  EXPECT_FALSE(fs::exists(Host("half")));
  Result<Fd> files = OpenDirectoryPath(Host(""));
  EXPECT_EQ(ListDirectory(files->get())->size(), 1u) << "no temporary file";
  Write("g", "goes on\n");
  Ok({"cp", Host("g"), "a:/g"});
  EXPECT_EQ(InBox("cat /g"), "goes on");
}

TEST_F(Copy, AFullDiskInTheBoxIsSaidWithThePath) {
  ASSERT_TRUE(RunProgram({"/bin/dd", "if=/dev/urandom", "of=" + Host("big"), "bs=1M", "count=80",
                          "status=none"})
                  .ok());
  // /dev/shm has 64 MiB.
  const std::string error = Fails({"cp", Host("big"), "a:/dev/shm/big"});
  EXPECT_NE(error.find("/dev/shm/big: No space left"), std::string::npos) << error;
  EXPECT_NE(error.find("resource_exhausted"), std::string::npos) << error;
  EXPECT_EQ(InBox("ls /dev/shm"), "") << "no half file";
  ExpectNoCopyingProcess();
}

TEST_F(Copy, AFullDiskOnTheHostIsSaidWithThePath) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mount a small filesystem";
  fs::create_directories(Host("small"));
  ASSERT_EQ(::mount("tmpfs", Host("small").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=4m"), 0);
  InBox("head -c 30000000 /dev/urandom > /big");
  const std::string error = Fails({"cp", "a:/big", Host("small/big")});
  EXPECT_NE(error.find("small/big: No space left"), std::string::npos) << error;
  EXPECT_TRUE(fs::is_empty(Host("small"))) << "no half file";
  ExpectNoCopyingProcess();
  EXPECT_EQ(::umount(Host("small").c_str()), 0);
}

TEST_F(Copy, LinksOfAHostileBoxLeadNowhereOnTheHost) {
  fs::create_directories(Host("outside"));
  Write("outside/secret", "untouched");
  const std::string outside = fs::canonical(Host("outside"));
  // First the box hands out a link, then a directory of the same name with a file in it.
  InBox("mkdir /t; ln -s " + outside + " /t/x");
  Ok({"cp", "a:/t", Host("out")});
  EXPECT_EQ(fs::read_symlink(Host("out/x")), outside);
  InBox("rm /t/x; mkdir /t/x; echo evil > /t/x/secret");
  const std::string error = Fails({"cp", "a:/t/.", Host("out")});
  EXPECT_NE(error.find("out/x"), std::string::npos) << error;
  EXPECT_EQ(Read("outside/secret"), "untouched");
  // A link in place of the file that is replaced.
  fs::create_symlink(outside + "/secret", Host("out/f"));
  InBox("echo evil > /t/f; rm -r /t/x");
  Ok({"cp", "a:/t/.", Host("out")});
  EXPECT_EQ(Read("outside/secret"), "untouched");
  EXPECT_EQ(Read("out/f"), "evil\n");
}

TEST_F(Copy, AStoppedBoxIsBootedForItAndStoppedAgain) {
  Ok({"create", "--name", "s", kImage});
  Write("f", "kept\n");
  Ok({"cp", Host("f"), "s:/f"});
  EXPECT_EQ(StateOf("s"), "stopped");
  Ok({"cp", "s:/f", Host("back")});
  EXPECT_EQ(Read("back"), "kept\n");
  EXPECT_EQ(StateOf("s"), "stopped");
  Ok({"stop", "-t", "0", "a"});
  const std::string error = Fails({"cp", Host("f"), "a:/f"});
  EXPECT_NE(error.find("start it first"), std::string::npos) << error;
  EXPECT_EQ(StateOf("a"), "stopped");
  Ok({"create", "--rm", "--name", "r", kImage});
  EXPECT_NE(Fails({"cp", Host("f"), "r:/f"}).find("--rm"), std::string::npos);
  EXPECT_EQ(StateOf("r"), "configured");
}

}  // namespace
}  // namespace boxlite::testing

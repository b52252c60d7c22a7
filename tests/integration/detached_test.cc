// The heart of the project with real machines: a detached box outlives its maker, and every later
// process sees the truth and can use it.
#include <fcntl.h>
#include <signal.h>

#include <filesystem>
#include <random>
#include <sstream>

#include "boxlite/base/spawn.h"
#include "integration/cli_runner.h"
#include "testing/walk.h"

namespace boxlite::testing {
namespace {

using Detached = CliTest;
constexpr char kImage[] = "boxlite/base";

int ToPid(const std::string& text) { return std::stoi(text); }

// All of the home but the box's disk, which its guest may write at any time.
std::string FingerprintWithoutDisk(const std::string& home) {
  std::istringstream all(Fingerprint(home));
  std::string kept;
  for (std::string line; std::getline(all, line);) {
    if (line.find("disk.qcow2") == std::string::npos) kept += line + "\n";
  }
  return kept;
}

TEST_F(Detached, IsSeenRunningByAHundredProcessesAfterItsMakerWasKilled) {
  RunningCli maker = Launch({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  maker.ReadUntil("\n");  // it has printed the id: the box runs
  maker.Signal(SIGKILL);
  maker.Finish();
  const std::string life = Inspect("a", "{{.Evidence.LifeId}}");
  const std::string before = FingerprintWithoutDisk(home());
  for (int i = 0; i < 100; ++i) {
    const CliResult seen = Run({"ls", "--format", "json"});
    ASSERT_NE(seen.out.find("\"running\""), std::string::npos) << seen.out;
  }
  EXPECT_EQ(Inspect("a", "{{.Evidence.LifeId}}"), life);
  EXPECT_EQ(FingerprintWithoutDisk(home()), before) << "looking changed a byte of the home";
  EXPECT_EQ(Ok({"exec", "a", "echo", "alive"}), "alive");
  Ok({"stop", "-t", "1", "a"});
  EXPECT_EQ(StateOf("a"), "stopped");
}

TEST_F(Detached, SurvivesTheDeathOfItsMakerAtAnyMoment) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 5; ++round) {
    const std::string name = "r" + std::to_string(round);
    Ok({"create", "--name", name, kImage, "sleep", "1000"});
    RunningCli starter = Launch({"start", name});
    // A random moment, not an event: that is what is tested.
    const timespec pause = {0, static_cast<long>(random() % 1'000'000'000)};
    ::nanosleep(&pause, nullptr);
    starter.Signal(SIGKILL);
    starter.Finish();
    // Whatever it left must be told truly, and one more start must settle it.
    Ok({"start", name});
    EXPECT_EQ(StateOf(name), "running");
    EXPECT_EQ(Ok({"exec", name, "echo", "alive"}), "alive");
    Ok({"rm", "-f", name});
  }
}

TEST_F(Detached, KeepsWhatTheGuestWroteOverAStop) {
  const std::string id = Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  Ok({"exec", "a", "sh", "-c", "head -c 20000000 /dev/urandom > /data; md5sum /data > /sum"});
  const std::string sum = Ok({"exec", "a", "cat", "/sum"});
  Ok({"stop", "-t", "0", "a"});
  EXPECT_NE(Inspect("a", "{{.State.Reason}}").find("main was ended by signal 9"), std::string::npos)
      << Inspect("a", "{{.State.Reason}}");
  // Both layers of the disk are clean, seen by tools that are not ours.
  const std::string disk = BoxDir(id) + "/disk.qcow2";
  Result<std::string> checked = RunProgram({"/usr/bin/qemu-img", "check", disk});
  EXPECT_TRUE(checked.ok()) << checked.error().message();
  std::string base;
  for (const auto& image : std::filesystem::directory_iterator(home() + "/images")) {
    base = image.path().string() + "/base.ext4";
  }
  const std::string flat = home() + "/flat.ext4";
  Result<std::string> rebased = RunProgram(
      {"/usr/bin/qemu-img", "convert", "-O", "raw",
       "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"" + disk +
           "\"},\"backing\":{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"" +
           base + "\"}}}",
       flat});
  ASSERT_TRUE(rebased.ok()) << rebased.error().message();
  Result<std::string> fsck = RunProgram({"/usr/sbin/e2fsck", "-fn", flat});
  EXPECT_TRUE(fsck.ok()) << fsck.error().message();
  Ok({"start", "a"});
  EXPECT_EQ(Ok({"exec", "a", "md5sum", "/data"}), sum);
}

TEST_F(Detached, LosesNoFsyncedByteWhenEverythingIsKilled) {
  Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  for (int round = 0; round < 3; ++round) {
    const std::string file = "/f" + std::to_string(round);
    Ok({"exec", "a", "sh", "-c",
        "head -c 3000000 /dev/urandom > " + file + "; sync; md5sum " + file + " > /sums" +
            std::to_string(round) + "; sync"});
    RunningCli writer = Launch(
        {"exec", "a", "sh", "-c", "while :; do head -c 1000000 /dev/urandom > /noise; done"});
    const int shim = ToPid(Inspect("a", "{{.Evidence.ShimPid}}"));
    const int vm = ToPid(Inspect("a", "{{.State.Pid}}"));
    Result<ProcessHandle> victim = ProcessHandle::Adopt(round % 2 == 0 ? shim : vm);
    ASSERT_TRUE(victim.ok());
    EXPECT_TRUE(victim->Signal(SIGKILL).ok());
    EXPECT_NE(writer.Finish().code, 0) << "an exec whose box is gone does not succeed";
    Ok({"start", "a"});
    for (int old = 0; old <= round; ++old) {
      const std::string n = std::to_string(old);
      EXPECT_EQ(
          Ok({"exec", "a", "sh", "-c", "md5sum /f" + n + " | cmp - /sums" + n + " && echo same"}),
          "same");
    }
  }
}

TEST_F(Detached, IsSeenAsFailedHalfASecondAfterItsShimOrItsMachineWasKilled) {
  for (const char* who : {"{{.Evidence.ShimPid}}", "{{.State.Pid}}"}) {
    Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
    RunningCli watcher = Launch({"wait", "a"});
    RunningCli follower = Launch({"logs", "-f", "a"});
    Result<ProcessHandle> victim = ProcessHandle::Adopt(ToPid(Inspect("a", who)));
    ASSERT_TRUE(victim.ok());
    EXPECT_TRUE(victim->Signal(SIGKILL).ok());
    const CliResult told = watcher.Finish();
    EXPECT_NE(told.code, 0) << "a life without main's exit is never code 0";
    follower.Finish();
    EXPECT_EQ(StateOf("a"), "failed");
    Ok({"rm", "a"});
  }
}

TEST_F(Detached, DiesWhenItsDirectoryIsDeletedUnderIt) {
  const std::string id = Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  Result<ProcessHandle> shim = ProcessHandle::Adopt(ToPid(Inspect("a", "{{.Evidence.ShimPid}}")));
  Result<ProcessHandle> vm = ProcessHandle::Adopt(ToPid(Inspect("a", "{{.State.Pid}}")));
  ASSERT_TRUE(shim.ok() && vm.ok());
  std::filesystem::remove_all(BoxDir(id));
  EXPECT_TRUE(*shim->WaitEnded(10'000)) << "the shim of a deleted box lives";
  EXPECT_TRUE(*vm->WaitEnded(10'000)) << "the machine of a deleted box lives";
}

TEST_F(Detached, KeepsItsLogAcrossLives) {
  Ok({"run", "-d", "--name", "a", kImage, "sh", "-c", "echo life; echo oops >&2"});
  Ok({"wait", "a"});
  Ok({"stop", "a"});
  Ok({"start", "a"});
  Ok({"wait", "a"});
  const CliResult logs = Run({"logs", "a"});
  EXPECT_EQ(logs.out, "life\nlife\n");
  EXPECT_EQ(logs.err, "oops\noops\n");
  const CliResult last = Run({"logs", "-n", "1", "a"});
  EXPECT_EQ(last.out + last.err, "oops\n");
}

TEST_F(Detached, IsGoneWithAllOfItAfterRmF) {
  const std::string id = Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  EXPECT_NE(Run({"rm", "a"}).code, 0) << "rm without force refuses a live box";
  EXPECT_EQ(StateOf("a"), "running");
  Ok({"rm", "-f", "a"});
  EXPECT_EQ(DescribeLeftovers(home(), 0), "") << "rm -f reported success too early";
  EXPECT_FALSE(std::filesystem::exists(BoxDir(id)));
  EXPECT_NE(Run({"inspect", "a"}).code, 0);
}

}  // namespace
}  // namespace boxlite::testing
